import Foundation
import Isolation
import Jobs

extension ExecutionResult {
    /// What a command that ran one program for its user ends with: the program's own exit code where it came to one.
    var commandExitCode: Int32 {
        switch status {
        case .ok, .nonzeroExit: Int32(clamping: program.exitCode ?? 0)
        case .signaled: 128 + (program.signal.flatMap(SignalName.number(of:)) ?? 0)
        case .wallTimeLimit, .cpuTimeLimit: 124
        // As a shell would: the image has no such program.
        case .internalError: program.message?.hasPrefix("execve:") == true ? 127 : 70
        default: 125
        }
    }
}
