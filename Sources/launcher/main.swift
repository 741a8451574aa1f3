import CLinux
import Glibc
import LaunchProtocol
import Linux

// The privileged half of Bulkhead. It is started by `bulkhead` with an empty environment and the descriptors of
// LauncherDescriptor, and by nobody else.

func refuse(_ failure: StepFailure, _ detail: String) -> Never {
    let bytes = ControlReply.failed(failure, detail: detail).encoded()
    _ = bk_send(LauncherDescriptor.control, bytes, UInt64(bytes.count), nil, 0)
    complain("\(failure.step.name): \(SystemError.text(failure.errno)): \(detail)")
    exit(1)
}

guard geteuid() == 0 else {
    complain("must be started as root, by bulkhead")
    exit(1)
}
guard bk_environment_is_empty() == 1 else {
    complain("must be started with an empty environment, by bulkhead")
    exit(1)
}

// 0, 1 and 2 must be taken: started by a service without them, a pipe of a sandbox would get such a number, and the
// order of dup2 in the job would decide which stream it becomes.
while true {
    let descriptor = bk_open("/dev/null", O_RDWR, 0)
    if descriptor > 2 { close(descriptor) }
    if descriptor < 0 || descriptor > 2 { break }
}

#if BULKHEAD_SABOTAGE
    Sabotage.announce()
#endif

do {
    // Whoever started this may have ignored signals. Jobs start with every one at its default.
    try perform(.readConfiguration) { bk_default_signals() }
    // A write to a slot or an init that has died must fail, not kill.
    try perform(.readConfiguration) { bk_ignore_sigpipe() }
    // What an unprivileged process of the same uid could otherwise read or trace (there is none; and if there were).
    try perform(.readConfiguration) { bk_prctl(BK_PR_SET_DUMPABLE, 0, 0) }
    guard try perform(.readConfiguration, { bk_memfd_is_sealed(LauncherDescriptor.configuration) }) == 1 else {
        throw StepFailure(.readConfiguration, errno: EPERM)
    }
    let text = try under(.readConfiguration) { () throws(SystemError) in
        var status = stat()
        try attempt("configuration") { fstat(LauncherDescriptor.configuration, &status) }
        var bytes = [UInt8](repeating: 0, count: min(Int(status.st_size), 1 << 20))
        let count = bytes.count
        try attempt("configuration") { pread(LauncherDescriptor.configuration, &bytes, count, 0) }
        return bytes
    }
    let configuration: LauncherConfiguration
    do {
        configuration = try LauncherConfiguration(decoding: text)
    } catch {
        refuse(StepFailure(.readConfiguration, errno: EBADMSG), error.reason)
    }
    var launcher = try Launcher(configuration: configuration)
    do {
        try launcher.serve()
    } catch {
        complain("\(error)")
    }
    try launcher.shutDown()
} catch let failure as StepFailure {
    refuse(failure, "the launcher could not be set up")
} catch {
    complain("\(error)")
    exit(1)
}
