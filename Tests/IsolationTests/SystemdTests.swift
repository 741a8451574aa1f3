import Foundation
import Testing

/// What a stock systemd host does to a process that has no unit of its own. Needs a machine whose control groups it may
/// hand to a systemd of its own: the virtual machine of scripts/test-vm.sh.
@Suite(
    "On a systemd host",
    .enabled(if: ProcessInfo.processInfo.environment["BULKHEAD_VM"] == "1", "in the virtual machine only"))
struct SystemdTests {
    @Test("without a unit, the command starts itself again in a delegated scope, says so, and runs the job")
    func scope() throws {
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "scripts/vm-systemd.sh", ".build/debug/bulkhead", "run", "--time", "60s", "--image", "default", "--",
            "/bin/sh", "-c", "echo ran in $(cat /proc/self/cgroup)",
        ]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("going on in a scope of its own (systemd-run --scope -p Delegate=yes)"), "\(text)")
        #expect(text.contains("ran in 0::/\n"), "\(text)")
    }
}
