import Foundation

/// One attack, as the attack program's own table describes it (Sources/attacks/attack.h).
public struct Attack: Sendable, Decodable, Equatable {
    /// How it is run, and who judges it.
    public enum Mode: String, Sendable, Decodable {
        /// One job, which says its own finding.
        case alone
        /// One job, about which the engine's verdict is compared with `expect`.
        case verdict
        /// Two jobs at once, in two slots.
        case pair
        /// Two jobs one after the other, in the very same slot.
        case sequel
        /// One job, which is looked at from outside while it waits.
        case outside
        /// A source text for a language.
        case source
        /// One job, whose files are collected.
        case collect
    }

    public var group: String
    public var name: String
    public var mode: Mode
    /// What it tries, as the rest of a sentence that begins with "It tries to".
    public var what: String
    /// The verdicts that the engine may give, `|` between: a status, then perhaps the exit code or signal.
    public var expect: String?
    /// Limits other than the standard ones, as `LimitText` reads them.
    public var limits: String?
    public var language: String?
    public var source: String?
    /// Parts one of which the diagnostics must have, `|` between.
    public var says: String?
    /// Parts that no output may have, `|` between.
    public var never: String?
    /// Pattern of the files to collect.
    public var collect: String?
    /// The paths that must come out, a space between, and no others.
    public var collected: String?
    /// The most CPU time in percent of the wall time; 0 for not asked.
    public var cpuPercent: Int
    /// Whether it must not be run outside a sandbox that has limits.
    public var harmful: Bool
}

extension String {
    /// The alternatives of a field of the table.
    var alternatives: [String] {
        split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
