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

/// The commands by which a connection runs a script.
extension Script {
    /// Puts it into the server's cache, which answers with its name there.
    var loading: RedisCommand { ["SCRIPT", "LOAD", RedisArgument(source)] }

    /// - Throws: `badReply` for what is no name.
    static func name(from reply: RedisReply) throws(RedisError) -> String {
        guard let name = reply.string else { throw RedisError(.badReply, "SCRIPT LOAD gave no name") }
        return name
    }

    /// By its name in the server's cache.
    func call(by name: String, keys: [RedisArgument], arguments: [RedisArgument]) -> RedisCommand {
        RedisCommand(["EVALSHA", RedisArgument(name), RedisArgument(keys.count)] + keys + arguments)
    }

    /// By its text, which puts it into the cache as well.
    func callByText(keys: [RedisArgument], arguments: [RedisArgument]) -> RedisCommand {
        RedisCommand(["EVAL", RedisArgument(source), RedisArgument(keys.count)] + keys + arguments)
    }
}
