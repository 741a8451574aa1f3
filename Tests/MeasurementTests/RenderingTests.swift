import Foundation
import Testing

@testable import Measurement

@Suite("The report of a benchmark")
struct RenderingTests {
    private static func report() throws -> BenchReport {
        let bare = try #require(Distribution([200, 200, 200]))
        let sandbox = try #require(Distribution([1_000, 1_000, 30_000]))
        return BenchReport(
            date: "2026-11-26T10:00:00Z", machine: "2 processors",
            sections: [
                .init(
                    title: "Sandboxes", command: "sudo bulkhead bench", rounds: 3, baseline: "bare spawn",
                    rows: [
                        .init(name: "bare spawn", wall: bare, cpu: 150, rates: [.init(atOnce: 2, perSecond: 4_000.4)]),
                        .init(name: "parked", wall: sandbox, kernel: 12.3, remark: "a|b"),
                        .init(name: "memory", figures: [.init("MiB", 29.26), .init("processes", 7)]),
                    ], notes: ["One."])
            ])
    }

    /// The cells of each line of the table, by heading.
    private static func cells(_ text: String) -> [[String: String]] {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("|") }
            .map { line in
                line.replacing("\\|", with: "\u{1}").dropFirst().dropLast().split(separator: "|").map {
                    $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "\u{1}", with: "|")
                }
            }
        guard let headings = lines.first else { return [] }
        return lines.dropFirst(2).map { Dictionary(uniqueKeysWithValues: zip(headings, $0)) }
    }

    @Test("a table with a column for all that was measured, and what it is over the bare row")
    func table() throws {
        let rows = Self.cells(try Self.report().text)
        #expect(rows.count == 3)
        #expect(rows[0][""] == "bare spawn")
        #expect(rows[0]["p50 ms"] == "0.200")
        #expect(rows[0]["CPU ms"] == "0.150")
        #expect(rows[0]["/s, 2 at once"] == "4000")
        #expect(rows[1]["p50 ms"] == "1.00")
        #expect(rows[1]["p99"] == "30.0")
        #expect(rows[1]["over bare"] == "0.800")
        #expect(rows[1]["× bare"] == "5.0")
        #expect(rows[1]["kernel ms"] == "0.012")
        #expect(rows[1]["remark"] == "a|b")
        #expect(rows[2]["MiB"] == "29.3")
        #expect(rows[2]["processes"] == "7")
        #expect(rows[2]["p50 ms"] == "")
    }

    @Test("all lines of a table are of one width")
    func aligned() throws {
        let lines = try Self.report().text.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(lines.count == 5)
        #expect(Set(lines.map(\.count)).count == 1)
    }

    @Test("no column for what no row has")
    func empty() throws {
        let section = BenchReport.Section(
            title: "T", command: "c", rows: [.init(name: "a", wall: Distribution([5]))])
        #expect(!section.text.contains("CPU"))
        #expect(!section.text.contains("over bare"))
        #expect(!section.text.contains("remark"))
        #expect(!section.text.contains("runs"))
    }

    @Test("how many runs a row is of, where it is not of every round")
    func runs() {
        let rows = [
            BenchReport.Row(name: "a", wall: Distribution([5, 5])), BenchReport.Row(name: "b", wall: Distribution([5])),
        ]
        let cells = Self.cells(BenchReport.Section(title: "T", command: "c", rounds: 2, rows: rows).text)
        #expect(cells.map { $0["runs"] } == ["2", "1"])
    }

    @Test("the command, and how often")
    func command() throws {
        #expect(try Self.report().text.contains("`sudo bulkhead bench`, 3 rounds\n"))
    }

    @Test("JSON holds all of it")
    func json() throws {
        let report = try Self.report()
        #expect(try JSONDecoder().decode(BenchReport.self, from: Data(try report.json.utf8)) == report)
    }
}

@Suite("The plot")
struct PlotTests {
    private static func plot(_ rows: [(String, [Double])], title: String = "T") throws -> String {
        Plot(
            title: title, subtitle: "S",
            groups: [
                .init(title: "G", rows: try rows.map { (name: $0.0, wall: try #require(Distribution($0.1))) }),
                .init(title: "nothing in it", rows: []),
            ]
        ).svg
    }

    /// The horizontal places of the medians.
    private static func points(_ svg: String) -> [Double] {
        svg.matches(of: /<circle class="point" cx="([0-9.]+)"/).compactMap { Double($0.1) }
    }

    @Test("a point for each row, as far apart as their times' logarithms")
    func points() throws {
        let svg = try Self.plot([("a", [100]), ("b", [1_000]), ("c", [10_000])])
        let points = Self.points(svg)
        try #require(points.count == 3)
        #expect(((points[1] - points[0]) - (points[2] - points[1])).magnitude < 0.3)
        #expect(points[0] < points[1])
        #expect(!svg.contains("nothing in it"))
        #expect(svg.contains("100 µs") && svg.contains("1 ms") && svg.contains("10 ms"))
    }

    @Test("well-formed XML, whatever the names are, in light and in dark")
    func wellFormed() throws {
        let svg = try Self.plot([("a < b & \"c\"", [1, 2, 3])], title: "<script>")
        #expect(svg.contains("a &lt; b &amp; &quot;c&quot;"))
        #expect(!svg.contains("<script>"))
        #expect(svg.contains("prefers-color-scheme: dark"))
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        for name in ["svg", "style", "text"] {
            #expect(svg.matches(of: try Regex("<\(name)[ >]")).count == svg.matches(of: try Regex("</\(name)>")).count)
        }
    }

    @Test("a plot of nothing, and of a time of zero, is still one")
    func nothing() throws {
        #expect(Plot(title: "T", subtitle: "S", groups: []).svg.hasSuffix("</svg>\n"))
        #expect(Self.points(try Self.plot([("a", [0])])).count == 1)
        #expect(!(try Self.plot([("a", [0])])).contains("nan"))
    }
}
