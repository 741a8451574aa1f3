/// What a scrape is answered: what each source has at that moment.
///
/// Instruments are held by who counts; gauges are read when somebody asks, and cost nothing before.
public struct MetricsPage: Sendable {
    public typealias Source = @Sendable () async -> [Family]

    private let sources: [Source]

    public init(_ sources: [Source]) {
        self.sources = sources
    }

    public func text() async -> String {
        var families: [Family] = []
        for source in sources { families += await source() }
        return Exposition.text(families)
    }
}
