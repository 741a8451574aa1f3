import Foundation

/// A picture of how long things took, as SVG: for each row a point at the median and a line from there to p95, on a
/// logarithmic scale, because what is compared lies a thousandfold apart. The text says the median.
public struct Plot: Sendable {
    public struct Group: Sendable {
        public var title: String
        public var rows: [(name: String, wall: Distribution)]

        public init(title: String, rows: [(name: String, wall: Distribution)]) {
            self.title = title
            self.rows = rows
        }
    }

    public var title: String
    public var subtitle: String
    public var groups: [Group]

    public init(title: String, subtitle: String, groups: [Group]) {
        self.title = title
        self.subtitle = subtitle
        self.groups = groups.filter { !$0.rows.isEmpty }
    }

    /// Every section of a report that has times.
    public init(_ report: BenchReport) {
        self.init(
            title: "Time of one run: median, and the line to p95", subtitle: "\(report.date), \(report.machine)",
            groups: report.sections.map { section in
                Group(title: section.title, rows: section.rows.compactMap { row in row.wall.map { (row.name, $0) } })
            })
    }

    private static let width = 860.0
    private static let labels = 300.0
    private static let values = 84.0
    private static let rowHeight = 20.0
    private static let groupHeight = 34.0
    private static let top = 84.0

    /// Whole decades around all that is shown, in microseconds.
    private var range: (least: Double, most: Double) {
        let shown = groups.flatMap { $0.rows.flatMap { [$0.wall.p50, $0.wall.p95] } }.filter { $0 > 0 }
        let least = pow(10, floor(log10(shown.min() ?? 100)))
        let most = pow(10, ceil(log10(shown.max() ?? 1_000)))
        return (least, max(most, least * 10))
    }

    private func position(_ microseconds: Double) -> Double {
        let (least, most) = range
        let share = (log10(max(microseconds, least)) - log10(least)) / (log10(most) - log10(least))
        return Self.labels + share * (Self.width - Self.labels - Self.values)
    }

    public var svg: String {
        let count = groups.reduce(0) { $0 + $1.rows.count }
        let bottom = Self.top + Double(groups.count) * Self.groupHeight + Double(count) * Self.rowHeight
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(bottom + 20))" \
            font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="\(Self.escaped(title))">
            <style>
            .back { fill: #ffffff } .word { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 }
            .range { stroke: #7ba7d9; stroke-width: 8 } .point { fill: #0b57a4 }
            @media (prefers-color-scheme: dark) {
            .back { fill: #0d1117 } .word { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
            .range { stroke: #2f5f96 } .point { fill: #79b8ff }
            }
            </style>
            <rect class="back" width="100%" height="100%"/>
            """,
            Self.label(16, 26, title, "word", size: 15), Self.label(16, 46, subtitle, "faint"),
        ]
        var tick = range.least
        // A little more than the last decade, for rounding.
        while tick <= range.most * 1.001 {
            let x = Self.text(position(tick))
            parts.append(
                "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Self.text(Self.top - 8))\" y2=\"\(Self.text(bottom))\"/>"
            )
            parts.append(Self.label(position(tick), Self.top - 14, "\(Self.time(tick))", "faint", anchor: "middle"))
            tick *= 10
        }
        var y = Self.top
        for group in groups {
            y += Self.groupHeight
            parts.append(Self.label(16, y - 10, group.title, "word", weight: "600"))
            for row in group.rows {
                let middle = y + Self.rowHeight / 2
                let (median, high) = (position(row.wall.p50), position(row.wall.p95))
                parts.append(Self.label(Self.labels - 10, middle + 4, row.name, "word", anchor: "end"))
                parts.append(
                    "<line class=\"range\" x1=\"\(Self.text(median))\" x2=\"\(Self.text(high))\" "
                        + "y1=\"\(Self.text(middle))\" y2=\"\(Self.text(middle))\"/>")
                parts.append(
                    "<circle class=\"point\" cx=\"\(Self.text(median))\" cy=\"\(Self.text(middle))\" r=\"5\"/>")
                parts.append(Self.label(max(median + 5, high) + 6, middle + 4, Self.time(row.wall.p50), "faint"))
                y += Self.rowHeight
            }
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func label(
        _ x: Double, _ y: Double, _ words: String, _ style: String, anchor: String = "start", size: Int = 12,
        weight: String = "400"
    ) -> String {
        "<text class=\"\(style)\" x=\"\(text(x))\" y=\"\(text(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" "
            + "font-weight=\"\(weight)\">\(escaped(words))</text>"
    }

    private static func time(_ microseconds: Double) -> String {
        microseconds >= 1e6
            ? "\(number(microseconds / 1e6)) s"
            : microseconds >= 1_000 ? "\(number(microseconds / 1_000)) ms" : "\(number(microseconds)) µs"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() || value >= 100
            ? String(format: "%.0f", value) : String(format: value < 10 ? "%.2f" : "%.1f", value)
    }

    private static func text(_ coordinate: Double) -> String { String(format: "%.1f", coordinate) }

    static func escaped(_ words: String) -> String {
        words.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }
}
