/// A Lua script that Redis runs as one step. Its text is `prelude`, then its own body.
///
/// Every script gets the same keys (`QueueKeys.all`), so that a cluster can route it by any of them, and `ARGV[1]` the
/// prefix from which job keys are made, `ARGV[2]` the time in milliseconds since 1970. What else it gets, it says itself.
struct Script: Sendable {
    /// Unique among the scripts.
    let name: String
    let source: String

    init(name: String, parts: [String] = [], body: String) {
        self.name = name
        source = ([Script.prelude] + parts + [body]).joined(separator: "\n")
    }
}
