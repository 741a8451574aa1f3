import LaunchProtocol
import Linux

/// The engine could not run a job, or could not start. Where a step failed the job did not run.
public struct IsolationError: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; more may be added.
    public struct Code: Hashable, Sendable {
        private enum Value {
            case step, notSetUp, slotDied, slotLost, launcherDied, protocolViolation, host, shutDown, invalid
        }
        private let value: Value

        /// A step of setting up or taking down a sandbox failed.
        public static let step = Code(value: .step)
        /// No slot can be had: one could not be set up, or no sandbox in it. Nothing of a job has been read or run.
        public static let notSetUp = Code(value: .notSetUp)
        /// The slot's process ended while it had the job.
        public static let slotDied = Code(value: .slotDied)
        /// The slot's process had ended before the program could be started, so another slot can have the job.
        public static let slotLost = Code(value: .slotLost)
        /// The launcher has ended, and with it every job; the engine cannot go on.
        public static let launcherDied = Code(value: .launcherDied)
        /// A message that nobody should send.
        public static let protocolViolation = Code(value: .protocolViolation)
        /// The host lacks something that every job needs.
        public static let host = Code(value: .host)
        /// The engine has been shut down.
        public static let shutDown = Code(value: .shutDown)
        /// The configuration asks for what no sandbox can be given.
        public static let invalid = Code(value: .invalid)
    }

    public var code: Code
    /// What happened, in words that name the step; no path of the host is in it for a `step`.
    public var message: String
    /// The step that failed and the kernel's reason, where it is one.
    public private(set) var failure: StepFailure?

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ failure: StepFailure, code: Code = .step) {
        self.init(code, "\(failure.step.name): \(SystemError.text(failure.errno))")
        self.failure = failure
    }

    public var description: String { message }
}
