import Foundation

extension BenchReport {
    /// The whole report as Markdown that can also be read as it is.
    public var text: String {
        (["\(date), \(machine)"] + sections.map(\.text)).joined(separator: "\n\n")
    }

    /// The same for programs.
    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

extension BenchReport.Section {
    /// Title, command, table and notes.
    public var text: String {
        (["### \(title)", "`\(command)`\(rounds.map { ", \($0) rounds" } ?? "")", table]
            + (notes.isEmpty ? [] : [notes.map { "- \($0)" }.joined(separator: "\n")]))
            .joined(separator: "\n\n")
    }

    /// One column of the table: its heading and what it shows of a row, nil for nothing.
    private typealias Column = (heading: String, value: (BenchReport.Row) -> String?)

    private var table: String {
        var columns: [Column] = [
            ("p50 ms", { $0.wall.map { Self.milliseconds($0.p50) } }),
            ("p95", { $0.wall.map { Self.milliseconds($0.p95) } }),
            ("p99", { $0.wall.map { Self.milliseconds($0.p99) } }),
        ]
        if let bare = baselineMedian, bare > 0 {
            columns.append(("over bare", { $0.wall.map { Self.milliseconds($0.p50 - bare) } }))
            columns.append(("× bare", { $0.wall.map { String(format: "%.1f", $0.p50 / bare) } }))
        }
        // A sandbox that was asked for cold and came parked counts for neither.
        if let rounds, rows.contains(where: { ($0.wall?.samples ?? rounds) != rounds }) {
            columns.append(("runs", { $0.wall.map { String($0.samples) } }))
        }
        columns.append(("CPU ms", { $0.cpu.map(Self.milliseconds) }))
        columns.append(("kernel ms", { $0.kernel.map(Self.milliseconds) }))
        for count in Set(rows.flatMap { $0.rates.map(\.atOnce) }).sorted() {
            columns.append(
                ("/s, \(count) at once", { $0.rates.first { $0.atOnce == count }.map { Self.rate($0.perSecond) } }))
        }
        // In the order in which they come.
        var names: [String] = []
        for figure in rows.flatMap(\.figures) where !names.contains(figure.name) { names.append(figure.name) }
        for name in names {
            columns.append((name, { $0.figures.first { $0.name == name }.map { Self.figure($0.value) } }))
        }
        columns.append(("remark", \.remark))
        let shown = columns.filter { column in rows.contains { column.value($0) != nil } }
        return Self.aligned(
            [[""] + shown.map(\.heading)] + rows.map { row in [row.name] + shown.map { $0.value(row) ?? "" } },
            leftAligned: shown.last?.heading == "remark" ? [0, shown.count] : [0])
    }

    /// A Markdown table whose columns stand below each other in plain text too.
    static func aligned(_ lines: [[String]], leftAligned: Set<Int>) -> String {
        let cells = lines.map { $0.map { $0.replacingOccurrences(of: "|", with: "\\|") } }
        let count = cells.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            max(3, cells.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0)
        }
        func padded(_ text: String, _ column: Int) -> String {
            let space = String(repeating: " ", count: max(0, widths[column] - text.count))
            return leftAligned.contains(column) ? text + space : space + text
        }
        func line(_ cells: [String]) -> String {
            let padded = (0..<count).map { padded($0 < cells.count ? cells[$0] : "", $0) }
            return "| " + padded.joined(separator: " | ") + " |"
        }
        let rule = (0..<count).map { column in
            leftAligned.contains(column)
                ? String(repeating: "-", count: widths[column])
                : String(repeating: "-", count: widths[column] - 1) + ":"
        }
        return (cells.prefix(1).map(line) + [line(rule)] + cells.dropFirst().map(line)).joined(separator: "\n")
    }

    /// Microseconds as milliseconds, to three digits that mean something.
    static func milliseconds(_ microseconds: Double) -> String { threeDigits(microseconds / 1_000) }

    static func rate(_ perSecond: Double) -> String {
        perSecond < 10 ? String(format: "%.1f", perSecond) : String(format: "%.0f", perSecond)
    }

    /// A count as it is, anything else to three digits.
    static func figure(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(format: "%.0f", value) : threeDigits(value)
    }

    private static func threeDigits(_ value: Double) -> String {
        let size = value.magnitude
        return String(format: size < 1 ? "%.3f" : size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%.0f", value)
    }
}

extension BenchReport.Section {
    /// How many per second, in words of a note.
    public static func perSecond(_ value: Double) -> String { rate(value) }

    /// A time in the words of a note.
    public static func time(_ microseconds: Double) -> String { "\(milliseconds(microseconds)) ms" }

    /// A share as a signed percentage.
    public static func percent(_ share: Double) -> String { String(format: "%+.1f %%", share * 100) }
}
