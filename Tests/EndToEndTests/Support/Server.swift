import Foundation
import Glibc
import Testing

/// A running `bulkhead serve` on a port of the kernel's choice.
final class Server: Sendable {
    let child: Child
    let port: Int
    let instance: Instance
    let driver: ProcessEntry
    let launcher: ProcessEntry
    let slotCount: Int

    /// Starts a server and waits until it takes requests.
    init(slots: Int = 4, options: [String] = [], environment: [String: String] = [:]) throws {
        let child = try Child(
            [Installation.bulkhead, "serve", "--port", "0", "--slots", "\(slots)"] + options,
            environment: Installation.environment.merging(environment) { $1 })
        var port: Int?
        let listens = Eventually.holds(within: .seconds(60)) {
            if let match = child.standardError.firstMatch(of: /url=http:\/\/127\.0\.0\.1:(\d+)\s/) {
                port = Int(match.1)
            }
            return port != nil || child.hasEnded
        }
        guard listens, let port, let driver = ProcessEntry(pid: child.pid) else {
            throw Child.Failure(description: "bulkhead serve does not serve: \(child.standardError)")
        }
        let launchers = ProcessTable.children(of: driver.pid)
        guard launchers.count == 1, let user = driver.user, let instance = Instance(user: user) else {
            throw Child.Failure(
                description: "bulkhead serve with the children \(launchers) and uid \(driver.user ?? 0)")
        }
        self.child = child
        self.port = port
        self.instance = instance
        self.driver = driver
        launcher = launchers[0]
        slotCount = slots
    }

    var slots: [ProcessEntry] { ProcessTable.children(of: launcher.pid) }

    /// Everything of it that lives now: by descent, by uid and by lock.
    var processes: Set<ProcessEntry> {
        Set([driver] + ProcessTable.descendants(of: driver.pid)).union(instance.processes())
    }

    func execute(_ request: String, seconds: Int = 60) throws -> Answer {
        let response = try HTTP.post("/api/execute", request, port: port, seconds: seconds)
        guard response.status == 200 else {
            throw Child.Failure(description: "status \(response.status): \(response.text)")
        }
        return try Answer(response.body)
    }

    /// SIGTERM, and the wait for its end.
    /// - Returns: the exit code.
    func stop() throws -> Int {
        child.signal(SIGTERM)
        return try child.wait(atMost: .seconds(60))
    }

    /// What of `processes`, and of the instance, still runs after some time.
    func survivors(of processes: Set<ProcessEntry>, within limit: Duration = .seconds(5)) -> [ProcessEntry] {
        var left: Set<ProcessEntry> = []
        _ = Eventually.holds(within: limit) {
            // Reaped here, or it would be seen for ever as one that has ended.
            _ = child.hasEnded
            let marked = Set(instance.processes()).subtracting(processes)
            // The number may have been given again, to a service that somebody else has just started.
            let pids = Set(processes.map(\.pid)).union([1])
            let isGivenAgain = marked.contains {
                $0.descriptors.contains(instance.lockPath) && !pids.contains($0.parent)
            }
            left = processes.filter(\.isAlive).union(isGivenAgain ? [] : marked)
            return left.isEmpty
        }
        return left.sorted { $0.pid < $1.pid }
    }
}

/// A request's JSON from its parts, escaped as JSON wants it.
func request(_ language: String, _ code: String, _ more: [String: Any] = [:]) throws -> String {
    let object = ["language": language, "code": code].merging(more) { $1 }
    return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
}
