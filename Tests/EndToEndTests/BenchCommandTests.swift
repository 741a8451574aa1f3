import Foundation
import Testing

extension EndToEnd {
    /// Order and generous bounds only: what the figures are worth depends on the machine and on what else it does.
    @Suite("bulkhead bench")
    struct BenchCommandTests {
        private struct Report: Decodable {
            var rows: [Row]
            var met: Bool

            struct Row: Decodable {
                var name: String
                var jobs: Int
                var unit: String
                var samples: Int
                var min: Double
                var p50: Double
                var p99: Double
                var max: Double
                var bareP50: Double?
                var met: Bool
            }
        }

        @Test("--accuracy: every kind of row, no limit fires early, and the figures are of the right size")
        func accuracy() throws {
            let command = try Command.bulkhead(
                ["bench", "--accuracy", "--rounds", "1", "--json"], atMost: .seconds(400))
            try #require(command.exitCode == 0, "\(command.error)")
            let report = try JSONDecoder().decode(Report.self, from: Data(command.output))
            for kind in ["wall", "cpu limit", "cpu ", "memory", "4 MiB limit"] {
                #expect(report.rows.contains { $0.name.hasPrefix(kind) }, "no row for \(kind)")
            }
            for row in report.rows {
                #expect(row.samples == row.jobs, "\(row.name)")
                #expect(row.min <= row.p50 && row.p50 <= row.p99 && row.p99 <= row.max, "\(row.name)")
                switch row.unit {
                case "ms": #expect(row.max < 2_000, "\(row.name)")
                case "MiB": #expect(row.max.magnitude < 16, "\(row.name)")
                default: #expect(row.max == 0, "\(row.name)")
                }
                let isLimit = row.name.hasPrefix("wall") || row.name.hasPrefix("cpu limit")
                // By the report; seen from elsewhere the program began a little later.
                if isLimit, !row.name.hasSuffix("outside"), !row.name.hasSuffix("itself") {
                    #expect(row.min >= 0, "\(row.name)")
                }
                if row.name.hasSuffix(", sleep") || row.name.hasSuffix(", 1 thread"), !row.name.hasPrefix("cpu limit") {
                    #expect(row.bareP50 != nil, "\(row.name)")
                }
            }
            #expect(report.met == report.rows.allSatisfy(\.met))
        }

        @Test("rounds that cannot be are refused before anything starts")
        func rounds() throws {
            let command = try Command.bulkhead(["bench", "--accuracy", "--rounds", "0"])
            #expect(command.exitCode == 64)
            #expect(command.error.contains("--rounds"))
        }
    }
}
