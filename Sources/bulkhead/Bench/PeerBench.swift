import CLinux
import Foundation
import Glibc
import Isolation
import Linux
import Measurement

/// The static program under other sandboxes, in turn with ours.
extension BenchRun {
    /// Must be the last section: it unmounts what crun does not want to see, for this process and what it starts from then on.
    /// - Parameter docker: whether Docker is measured too, with a daemon of our own where none answers.
    /// - Returns: the rows; a peer that is not here, or does not run here, is named in the notes.
    /// - Throws: `IsolationError` where one that ran does not any more.
    func peers(docker: Bool) throws -> BenchReport.Section {
        progress("peers")
        var subjects = [bareSpawn, try sandboxed(BenchLanguage.exit, name: "bulkhead", pause: 8)]
        var absent: [String] = []
        var commands: [String] = []
        // crun refuses a host whose cgroup v2 mount has a controller beside v1's, so it does not get to see that one.
        if SmallFile.exists("/sys/fs/cgroup/memory"), SmallFile.exists("/sys/fs/cgroup/unified") {
            _ = bk_umount_detach("/sys/fs/cgroup/unified")
        }
        var daemon: DockerDaemon?
        var wanted = Peer.all
        if docker {
            do {
                let started = try DockerDaemon(in: host)
                daemon = started
                wanted.append(Peer.docker(socket: started.socket))
            } catch {
                absent.append("docker: \(error)")
            }
        }
        defer { withExtendedLifetime(daemon) {} }
        var used: [Peer] = []
        defer { for peer in used { tidy(peer) } }
        for peer in wanted {
            guard let path = Installation.onPath(peer.program) else {
                absent.append("\(peer.name)\(peer.use) is not installed")
                continue
            }
            progress(peer.name)
            used.append(peer)
            do {
                let programs = try prepare(peer, path)
                _ = try programs[0].run()
                subjects.append(
                    .spawned("\(peer.name)\(version(of: path))\(peer.use)", remark: "lacks \(peer.lacks)") {
                        programs[$0]
                    })
                commands.append("\(peer.name)\(peer.use): `\(programs[0].arguments.joined(separator: " "))`")
            } catch {
                absent.append("\(peer.name)\(peer.use) does not run here: \(Self.ends(of: "\(error)"))")
            }
        }
        var plan = plan.slower(by: 5)
        plan.repetitions = 30
        return .init(
            title: "Other sandboxes", command: "sudo bulkhead bench --peers\(docker ? " --docker" : "")",
            rounds: plan.rounds, baseline: "bare spawn", rows: try plan.measure(subjects, progress: progress),
            notes: [
                "All run the same static program of one system call, from the start of the peer's command to its end, with what "
                    + "isolation it can give on this host: every namespace that is not said to be lacking, a read-only root, "
                    + "fresh /proc, /tmp and /box, no capabilities, an ordinary uid. crun and runc get our policy as their "
                    + "seccomp section, and compile it each time, as they do with any.",
                Self.aboutCPU,
            ] + (docker ? ["CPU of docker is its client's; the daemon's is not counted."] : []) + commands + absent)
    }

    /// A long error with its middle left out: what was run is at its start, what it said last at its end.
    private static func ends(of text: String) -> String {
        text.count > 600 ? "\(text.prefix(200)) … \(text.suffix(400))" : text
    }

    /// - Returns: a program for each that may run at once.
    private func prepare(_ peer: Peer, _ path: String) throws -> [SpawnedProgram] {
        try (0..<2 * plan.cores).map { number in
            for command in peer.before { try run(command, number) }
            return try peer.command(host, path, number)
        }
    }

    private func tidy(_ peer: Peer) {
        for number in 0..<2 * plan.cores {
            for command in peer.after { _ = try? run(command, number) }
        }
    }

    private func run(_ command: [String], _ number: Int) throws {
        let arguments = command.map { $0.replacingOccurrences(of: "=$NUMBER", with: "=\(number)") }
        guard let path = Installation.onPath(arguments[0]) else { throw IsolationError(.host, "no \(arguments[0])") }
        var environment = ProcessInfo.processInfo.environment
        environment["NUMBER"] = "\(number)"
        environment["EXIT"] = host.exitProgram
        _ = try SpawnedProgram([path] + arguments.dropFirst(), environment: environment).run()
    }

    /// A space and the version, where the program tells one.
    private func version(of path: String) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["--version"]
        let output = Foundation.Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "" }
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return said.firstMatch(of: /\d+(?:\.\d+)+/).map { " \($0.0)" } ?? said.firstMatch(of: /\d+/).map { " \($0.0)" }
            ?? ""
    }
}

/// A Docker daemon: the one that runs, or one of the bench's own, without a network, with all it has below the bench's folder.
private final class DockerDaemon {
    /// Nil for the usual one.
    let socket: String?
    private let child: BenchChild?
    private let client: String

    init(in host: BenchHost) throws {
        guard let client = Installation.onPath("docker") else { throw IsolationError(.host, "not installed") }
        self.client = client
        let environment = ProcessInfo.processInfo.environment
        if (try? SpawnedProgram([client, "info"], environment: environment).run()) != nil {
            socket = nil
            child = nil
        } else {
            guard let program = Installation.onPath("dockerd") else {
                throw IsolationError(.host, "no daemon answers, and dockerd is not installed")
            }
            let folder = "\(host.folder)/docker"
            try BenchHost.make(folder)
            let socket = "unix://\(folder)/docker.sock"
            child = try BenchChild(
                "dockerd",
                [
                    program, "--iptables=false", "--bridge=none", "--data-root", "\(folder)/data", "--exec-root",
                    "\(folder)/exec", "--pidfile", "\(folder)/pid", "--host", socket,
                ], environment: environment, log: "\(host.folder)/docker.log")
            self.socket = socket
            try waitUntilUp(environment)
        }
        let import_ =
            "tar -C '\(host.exitImage)' -c . | '\(client)' \(socket.map { "--host '\($0)'" } ?? "") import - bulkhead-bench"
        _ = try SpawnedProgram(["/bin/sh", "-c", import_], environment: environment).run()
    }

    deinit {
        _ = try? SpawnedProgram(
            [client] + (socket.map { ["--host", $0] } ?? []) + ["image", "rm", "bulkhead-bench"],
            environment: ProcessInfo.processInfo.environment
        ).run()
        child?.stop()
    }

    private func waitUntilUp(_ environment: [String: String]) throws {
        for _ in 0..<300 {
            if let socket,
                (try? SpawnedProgram([client, "--host", socket, "info"], environment: environment).run()) != nil
            {
                return
            }
            guard child?.hasEnded == false else { break }
            usleep(100_000)
        }
        throw IsolationError(.host, "dockerd does not come up")
    }
}
