/// Why a seccomp policy was refused or could not be compiled. Nothing is guessed: a policy that is not understood
/// whole is not used, and a job whose policy failed does not run.
public struct SeccompError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, to compare against; ``SeccompError/detail`` says which part of the policy it is about.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Hashable, Sendable {
            case malformedDocument
            case unknownKey
            case unsupportedArchitecture
            case unsupportedAction
            case invalidErrno
            case invalidCondition
            case defaultNotDeny
            case unresolvedSyscall
            case conflictingRules
            case unknownKernel
            case unknownSyscall
            case compilationFailed
        }

        private let kind: Kind

        /// Not JSON, a value of the wrong type, or a required key that is absent.
        public static let malformedDocument = Code(kind: .malformedDocument)
        /// A key this engine does not implement. Ignoring it could mean running with less than was asked for.
        public static let unknownKey = Code(kind: .unknownKey)
        /// The policy would let in an ABI other than x86-64.
        public static let unsupportedArchitecture = Code(kind: .unsupportedArchitecture)
        /// An action name that is unknown, or one that needs a tracer, which a job has not.
        public static let unsupportedAction = Code(kind: .unsupportedAction)
        /// `errnoRet` out of range, or given with an action that returns no errno.
        public static let invalidErrno = Code(kind: .invalidErrno)
        /// An argument comparison with an unknown operator, an index over 5, or one that can never be true.
        public static let invalidCondition = Code(kind: .invalidCondition)
        /// The default action lets calls through. Only default-deny policies are accepted.
        public static let defaultNotDeny = Code(kind: .defaultNotDeny)
        /// A system call that must be stopped harder than by the default, and whose number is not known.
        public static let unresolvedSyscall = Code(kind: .unresolvedSyscall)
        /// Two rules for one system call that can both apply and want different things.
        public static let conflictingRules = Code(kind: .conflictingRules)
        /// A rule depends on the kernel's version, and uname(2) does not tell one.
        public static let unknownKernel = Code(kind: .unknownKernel)
        /// A question about a system call that x86-64 does not have, or nobody here knows.
        public static let unknownSyscall = Code(kind: .unknownSyscall)
        /// libseccomp or the kernel refused a step; ``SeccompError/errno`` has the cause.
        public static let compilationFailed = Code(kind: .compilationFailed)

        public var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    public let code: Code
    /// The part of the policy, or the step of the compilation, in words for the operator.
    public let detail: String
    /// The errno of the step that failed; nil when the policy itself is at fault.
    public let errno: Int32?

    init(_ code: Code, _ detail: String, errno: Int32? = nil) {
        self.code = code
        self.detail = detail
        self.errno = errno
    }

    public var description: String {
        guard let errno else { return "seccomp policy: \(detail) (\(code))" }
        return "seccomp policy: \(detail): errno \(errno) (\(code))"
    }
}
