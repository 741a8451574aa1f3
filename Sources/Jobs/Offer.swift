/// What one worker runs.
public struct WorkerOffer: Sendable, Equatable {
    public var languages: [Language]
    /// The most that a job may ask for there.
    public var maxima: Limits

    public init(languages: [Language], maxima: Limits) {
        self.languages = languages
        self.maxima = maxima
    }

    /// Whether it serves a version of the language that fits.
    func serves(_ name: String, fitting version: VersionRange?) -> Bool {
        languages.newest(name, fitting: version) != nil
    }
}

/// What all workers run, together: what a request is checked against.
public struct Offer: Sendable, Equatable {
    /// Each version of each language once, in the order of the workers.
    public let languages: [Language]
    /// Workers that differ: most of them are alike.
    private let workers: [WorkerOffer]

    public init(_ workers: [WorkerOffer]) {
        var distinct: [WorkerOffer] = []
        for worker in workers where !distinct.contains(worker) { distinct.append(worker) }
        self.workers = distinct
        var seen: Set<[String]> = []
        languages = distinct.flatMap(\.languages).filter { seen.insert([$0.name, $0.version]).inserted }
    }

    /// The same where nobody gets more than `ceilings`.
    public func capped(at ceilings: LimitOverrides) -> Offer {
        Offer(workers.map { WorkerOffer(languages: $0.languages, maxima: $0.maxima.capped(at: ceilings)) })
    }

    /// The most that a job may ask for: field by field the largest among all workers; nil where there is none.
    public var maxima: Limits? { maxima(for: nil, fitting: nil) }

    /// The most that a job in this language may ask for: field by field the largest among the workers that serve it.
    ///
    /// Where none does, the largest among all, so that other mistakes in a request are told as well.
    /// - Returns: nil where there is no worker, and so nothing to compare with.
    func maxima(for language: String?, fitting version: VersionRange?) -> Limits? {
        var able = language.map { name in workers.filter { $0.serves(name, fitting: version) } } ?? []
        if able.isEmpty { able = workers }
        guard let first = able.first else { return nil }
        return able.dropFirst().reduce(first.maxima) { $0.largest($1.maxima) }
    }

    /// Whether one worker alone serves the language and allows all the limits; the largest of each field may be those of
    /// different workers.
    func allows(_ limits: LimitOverrides, in language: String, fitting version: VersionRange?) -> Bool {
        workers.contains { $0.serves(language, fitting: version) && limits.isWithin($0.maxima) }
    }
}
