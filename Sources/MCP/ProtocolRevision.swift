/// A revision of the Model Context Protocol (modelcontextprotocol.io/specification).
enum ProtocolRevision: String, CaseIterable {
    case november2024 = "2024-11-05"
    case march2025 = "2025-03-26"
    case june2025 = "2025-06-18"
    case november2025 = "2025-11-25"
    /// Has no handshake: every request names the revision by itself.
    case july2026 = "2026-07-28"

    /// The newest that `initialize` can agree on.
    static let newestWithHandshake = november2025

    var hasHandshake: Bool { self != .july2026 }

    /// Whether an array of messages is one (JSON-RPC 2.0 section 6): that came with one revision and went with the next.
    var allowsBatches: Bool { self == .march2025 }

    /// Whether a tool may have hints on what it does.
    var hasToolAnnotations: Bool { self != .november2024 }

    /// Whether results may have a structure, and tools a title and a schema for it.
    var hasStructuredContent: Bool { self != .november2024 && self != .march2025 }

    /// What `initialize` answers: the client's own revision where that is known, else the newest.
    static func agreed(on offered: String) -> ProtocolRevision {
        guard let revision = ProtocolRevision(rawValue: offered), revision.hasHandshake else {
            return newestWithHandshake
        }
        return revision
    }

    static var names: [String] { allCases.map(\.rawValue) }
}
