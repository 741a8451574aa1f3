import Foundation

/// The project's documents, so that what they promise is what is tested.
enum Documentation {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs")

    static var queue: String {
        get throws { try String(contentsOf: folder.appendingPathComponent("queue.md"), encoding: .utf8) }
    }

    /// The first block of code of a language in docs/queue.md.
    static func queueCode(_ language: String) throws -> String? {
        let parts = try queue.components(separatedBy: "```\(language)\n")
        guard parts.count > 1 else { return nil }
        return parts[1].components(separatedBy: "```").first
    }
}
