import Foundation

/// What `bulkhead bench` and the process that holds the engine say to each other: a line of JSON each way. The measuring one
/// stays root, for other sandboxes and bare programs need that; the engine's gives root up as every user of the engine does.
enum EngineExchange {
    enum Request: Codable, Sendable {
        /// Makes a program ready: `BenchLanguage.exit`, or the name of a language.
        case prepare(program: String)
        /// A pause and a run, `times`.
        case run(program: String, times: Int, pauseMilliseconds: Int)
        /// A pause and a run; then the static program twice at once in sandboxes of the same kind, which is not told of, and
        /// one more run the moment that both are answered.
        case runParkedThenCold(program: String, pauseMilliseconds: Int)
        /// A run, and a pause after it, in which the program may be started for the next.
        case runThenWait(program: String, pauseMilliseconds: Int)
        /// So many at once for that long.
        case load(program: String, atOnce: Int, milliseconds: Int)
        /// That many in all, so many at once.
        case endure(program: String, jobs: Int, atOnce: Int)
        /// Opens slots.
        case warmUp(slots: Int)
        /// Ends the engine, and with the answer the process.
        case end
    }

    struct Reply: Codable, Sendable {
        /// What went wrong; then nothing else is here.
        var error: String?
        var runs: [Run] = []
        var perSecond: Double?
        var files: [File] = []
        /// Sentences: what is more than before, what is left.
        var findings: [String] = []
    }

    struct Run: Codable, Sendable {
        var microseconds: Double
        /// `Outcome.Start`.
        var start: String
    }

    struct File: Codable, Sendable {
        var path: String
        var contents: Data
        var isExecutable: Bool
    }
}
