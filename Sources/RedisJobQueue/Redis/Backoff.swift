/// How long to wait before the next try: between nothing and a bound that doubles with each failure ("full jitter"), so
/// that processes which lost one server do not come back to it all at once.
struct Backoff: Sendable {
    private let first: Duration
    private let most: Duration
    /// Tries that failed in a row.
    private(set) var failures = 0

    init(first: Duration = .milliseconds(50), most: Duration = .seconds(5)) {
        self.first = first
        self.most = most
    }

    mutating func succeeded() { failures = 0 }

    /// - Returns: the time to wait after one more failure.
    mutating func failed() -> Duration {
        failures += 1
        return bound * Double.random(in: 0...1)
    }

    /// The most that the last failure makes one wait.
    var bound: Duration { min(most, first * (1 << min(failures, 16))) }
}
