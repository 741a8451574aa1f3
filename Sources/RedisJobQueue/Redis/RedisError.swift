/// Why a command to Redis was not answered as hoped.
struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a caller can act on.
    enum Code: String, Sendable {
        /// No connection could be made.
        case unreachable
        /// The connection broke or fell silent; whether the command was carried out is not known.
        case connectionLost
        /// This side closed the connection.
        case closed
        /// An answer that is larger than it may be, or no RESP.
        case badReply
        /// User, password, database or right refused.
        case denied
        /// A replica, or a primary that was demoted.
        case readOnly
        /// `maxmemory` is reached and nothing may be evicted.
        case outOfMemory
        /// The server is still reading its data, or resynchronises with its primary.
        case loading
        /// The server refuses writes because it cannot persist them.
        case misconfigured
        /// The script is not in the server's cache.
        case noScript
        /// A script of somebody else runs for too long.
        case busy
        /// The key lives on another node of a cluster.
        case wrongNode
        /// The keys may live on several nodes of a cluster: the prefix has no hash tag.
        case manyNodes
        case server
    }

    let code: Code
    /// For people and logs; never a part of a job.
    let detail: String

    init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// Reads an error reply. Redis 7 puts the cause first; older servers wrap a script's error in another one.
    init(reply text: String) {
        let words: [(String, Code)] = [
            ("READONLY", .readOnly), ("OOM", .outOfMemory), ("LOADING", .loading), ("MASTERDOWN", .loading),
            ("MISCONF", .misconfigured), ("NOREPLICAS", .misconfigured), ("NOSCRIPT", .noScript), ("BUSY", .busy),
            ("NOAUTH", .denied), ("WRONGPASS", .denied), ("NOPERM", .denied), ("MOVED", .wrongNode),
            ("ASK", .wrongNode), ("CROSSSLOT", .manyNodes), ("CLUSTERDOWN", .loading), ("TRYAGAIN", .loading),
        ]
        let found = words.first { text.hasPrefix($0.0 + " ") || text.contains("-\($0.0) ") }
        // An unknown command is answered with its arguments, which may be a job's.
        let line = (text.components(beforeFirst: "with args beginning") ?? text).prefix(160)
        self.init(found?.1 ?? .server, String(line))
    }

    /// Whether the same command may well succeed a little later.
    var isPassing: Bool {
        switch code {
        case .unreachable, .connectionLost, .readOnly, .outOfMemory, .loading, .misconfigured, .busy, .denied: true
        case .closed, .badReply, .noScript, .wrongNode, .manyNodes, .server: false
        }
    }

    var description: String { "\(code.rawValue): \(detail)" }
}

extension String {
    fileprivate func components(beforeFirst text: String) -> String? {
        firstRange(of: text).map { String(self[..<$0.lowerBound]) }
    }
}
