import CSeccomp

/// What the kernel does with a system call. See seccomp(2), "Filter return values".
///
/// `SCMP_ACT_TRACE` is left out on purpose: without the tracer it asks for, the kernel answers ENOSYS, so a policy that
/// relies on it would not do what it says.
public enum SeccompAction: Hashable, Sendable, CustomStringConvertible {
    /// The call is carried out.
    case allow
    /// The call is carried out and logged by the kernel's audit.
    case log
    /// The call is carried out and counted: after a number of such calls that the engine is set to, the job is ended.
    case notify
    /// The call is not carried out and fails with this errno, 1...4095.
    case errno(UInt16)
    /// The call is not carried out; the thread gets SIGSYS.
    case trap
    /// The calling thread ends.
    case killThread
    /// The whole process ends as if by SIGSYS.
    case killProcess

    /// What happens, for people.
    public var description: String {
        switch self {
        case .allow: "is allowed"
        case .log: "is allowed and logged"
        case .notify: "is allowed and counted"
        case .errno(let number): "fails with \(ErrnoName.text(number)) (\(number))"
        case .trap: "sends SIGSYS"
        case .killThread: "ends the thread"
        case .killProcess: "ends the process"
        }
    }

    /// Whether the system call is carried out.
    public var letsCallsThrough: Bool { self == .allow || self == .log || self == .notify }

    /// libseccomp's number for the action.
    var libseccompValue: UInt32 {
        switch self {
        case .allow: SCMP_ACT_ALLOW
        case .log: SCMP_ACT_LOG
        case .notify: SCMP_ACT_NOTIFY
        case .errno(let value): bulkhead_scmp_act_errno(value)
        case .trap: SCMP_ACT_TRAP
        case .killThread: SCMP_ACT_KILL_THREAD
        case .killProcess: SCMP_ACT_KILL_PROCESS
        }
    }

    /// The action of an OCI name and its optional errno.
    ///
    /// - Parameters:
    ///   - name: for example `SCMP_ACT_ERRNO`.
    ///   - errno: `errnoRet`; without it SCMP_ACT_ERRNO means EPERM, as in runc and crun.
    ///   - place: the part of the policy, for the error.
    /// - Throws: ``SeccompError`` when the name is not supported, or the errno is out of range or out of place.
    init(ociName name: String, errno: UInt32?, place: String) throws(SeccompError) {
        switch name {
        case "SCMP_ACT_ERRNO":
            let value = errno ?? 1
            // 0 would report success for a call that never ran; the kernel cuts anything over MAX_ERRNO down to it.
            guard (1...4095).contains(value) else {
                throw SeccompError(.invalidErrno, "\(place): errnoRet \(value) is not within 1...4095")
            }
            self = .errno(UInt16(value))
            return
        case "SCMP_ACT_ALLOW": self = .allow
        case "SCMP_ACT_LOG": self = .log
        case "SCMP_ACT_NOTIFY": self = .notify
        case "SCMP_ACT_TRAP": self = .trap
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": self = .killThread
        case "SCMP_ACT_KILL_PROCESS": self = .killProcess
        default:
            throw SeccompError(.unsupportedAction, "\(place): action \(name) is not supported")
        }
        if errno != nil {
            throw SeccompError(.invalidErrno, "\(place): errnoRet has no meaning with \(name)")
        }
    }
}
