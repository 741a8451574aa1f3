import LaunchProtocol

/// What came of starting a runtime ahead.
struct AheadResult: Sendable {
    var runtime: Runtime
    /// The most bytes of memory that it took to come up, or why it did not.
    var yield: Result<UInt64, StepFailure>
}
