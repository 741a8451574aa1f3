import Jobs
import Telemetry

/// How many jobs came to what, by language and status: attempts that ended here, and jobs that this process ended in the queue.
public final class JobCounter: Sendable {
    /// For a language that is none of those known: such a request was refused, or is for others.
    private static let otherLanguage = "other"

    private static let statuses = Dictionary(
        uniqueKeysWithValues: Status.allCases.enumerated().map { ($0.element, $0.offset) })
    private let places: [String: Int]
    /// The canonical name of each name and alias.
    private let names: [String: String]
    private let jobs: Counters

    /// - Parameter languages: what is told apart, by canonical name.
    public init(languages: [Language]) {
        let sorted = Set(languages.map(\.name)).sorted() + [Self.otherLanguage]
        places = Dictionary(sorted.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        var names: [String: String] = [:]
        for language in languages {
            for name in [language.name] + language.aliases { names[name] = language.name }
        }
        self.names = names
        jobs = Counters(
            "bulkhead_jobs_total",
            help: "Attempts at jobs that ended here, and jobs that were ended in the queue, by language and status.",
            series: sorted.flatMap { language in
                Status.allCases.map { [.init("language", language), .init("status", $0.rawValue)] }
            })
    }

    /// The canonical name of a language that is known by `name`; nil for one that is not known.
    func language(_ name: String) -> String? { names[name] }

    func add(_ result: ExecutionResult) {
        let language = names[result.language].flatMap { places[$0] } ?? places.count - 1
        if let status = Self.statuses[result.status] { jobs.add(at: language * Self.statuses.count + status) }
    }

    public func families() -> [Family] { [jobs.family] }
}
