import Foundation
import Isolation
import LaunchProtocol
import Seccomp

// Drives an engine as `bulkhead worker` does, for tests that kill it: starts the launcher, gives up root, and runs the
// probe's `wait` in every slot. Arguments: the launcher, an image with the probe, the folder of the policies, the number
// of jobs. Says `running`, its instance and its uid when all of them run.

let arguments = CommandLine.arguments
let jobs = Int(arguments[4]) ?? 1
func policy(_ name: String) throws -> SeccompPolicy {
    try SeccompPolicy(json: Data(contentsOf: URL(fileURLWithPath: "\(arguments[3])/\(name).json")))
}
let limits = ResourceLimits(
    wallTime: 600_000_000_000, cpuTime: 600_000_000_000, memory: 64 << 20, processes: 16, fileSize: 1 << 20,
    disk: 1 << 20, inodes: 64, openFiles: 64, milliCPUs: 1_000)
let connection = try Starter.start(
    EngineConfiguration(
        launcher: arguments[1], images: [arguments[2]], initPolicy: try policy("init"),
        policies: [try policy("default")], slots: jobs, maximum: limits, standard: limits))
try Starter.giveUpRoot(for: connection)
let engine = Engine(launcher: connection)
await withTaskGroup(of: Void.self) { group in
    let (started, note) = AsyncStream.makeStream(of: Void.self)
    for _ in 0..<jobs {
        group.addTask {
            do {
                _ = try await engine.run(
                    SandboxConfiguration(arguments: ["/bin/probe", "wait"], limits: limits, outputLimit: 1_024)
                ) { _, _ in note.yield() }
            } catch {
                FileHandle.standardError.write(Data("driver: \(error)\n".utf8))
            }
        }
    }
    var running = 0
    for await _ in started {
        running += 1
        if running == jobs { break }
    }
    // One write of one line: whoever reads it may kill this process at once.
    FileHandle.standardOutput.write(Data("running \(connection.instance) \(getuid())\n".utf8))
}
