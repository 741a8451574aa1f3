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

        /// The report as its readers have it: the names stand here a second time on purpose.
        private struct Cost: Decodable {
            var machine: String
            var sections: [Section]

            struct Section: Decodable {
                var title: String
                var command: String
                var rows: [Row]
                var notes: [String]

                func row(_ name: String) throws -> Row {
                    try #require(rows.first { $0.name == name }, "no row \(name) in \(rows.map(\.name))")
                }
            }

            struct Row: Decodable {
                var name: String
                var wall: Wall?
                var cpu: Double?
                var kernel: Double?
                var rates: [Rate]
                var figures: [Figure]
            }

            struct Wall: Decodable {
                var p50: Double
                var p95: Double
                var p99: Double
                var least: Double
                var samples: Int
            }

            struct Rate: Decodable {
                var atOnce: Int
                var perSecond: Double
            }

            struct Figure: Decodable {
                var name: String
                var value: Double
            }
        }

        private static func cost(_ arguments: [String]) throws -> Cost {
            let command = try Command.bulkhead(
                ["bench", "--json", "--rate-time", "50"] + arguments, atMost: .seconds(200))
            try #require(command.exitCode == 0, "\(command.error)")
            let cost = try JSONDecoder().decode(Cost.self, from: Data(command.output))
            for row in cost.sections.flatMap(\.rows) {
                if let wall = row.wall {
                    #expect(wall.least <= wall.p50 && wall.p50 <= wall.p95 && wall.p95 <= wall.p99, "\(row.name)")
                    #expect(wall.least > 0 && wall.samples > 0, "\(row.name)")
                }
                #expect(row.rates.allSatisfy { $0.perSecond > 0 }, "\(row.name)")
            }
            #expect(Instance.leftOvers().isEmpty)
            return cost
        }

        @Test("a sandbox costs more than a bare spawn, and what both cost is told in every way; the plot has the rows")
        func sandboxes() throws {
            let plot = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString).svg")
            defer { try? FileManager.default.removeItem(at: plot) }
            let section = try #require(
                try Self.cost(["--rounds", "20", "--warm-up", "2", "--plot", plot.path]).sections.first)
            let bare = try section.row("bare spawn")
            let parked = try section.row("sandbox, parked")
            let many = try section.row("sandbox, many in a row")
            #expect(bare.wall?.samples == 20)
            #expect(try #require(bare.wall).p50 < #require(parked.wall).p50)
            // What 20 sandboxes take is more than a clock tick.
            #expect(try #require(bare.cpu) < #require(many.cpu))
            #expect(many.kernel != nil)
            #expect(many.rates.count == 2)
            let drawn = try String(contentsOf: plot, encoding: .utf8)
            #expect(drawn.hasPrefix("<svg ") && drawn.contains("sandbox, parked"))
        }

        @Test("--ladder: every layer can be had, and all of them cost more than none")
        func ladder() throws {
            let section = try #require(try Self.cost(["--ladder", "--rounds", "20", "--warm-up", "2"]).sections.first)
            let none = try #require(try section.row("bare clone and exec").wall)
            #expect(try none.p50 < #require(section.row("up to seccomp filter").wall).p50)
            #expect(section.rows.count == 30)
            #expect(section.rows.allSatisfy { $0.wall?.samples == 20 && ($0.cpu ?? 0) > 0 })
        }

        @Test("--http: both paths in both loops, and what the processes hold")
        func http() throws {
            let sections = try Self.cost(["--http", "--rounds", "10"]).sections
            try #require(sections.count == 3)
            for section in sections.prefix(2) {
                for path in ["embedded", "Redis"] {
                    for job in ["exit", "python"] {
                        #expect(try section.row("\(job), \(path)").wall != nil)
                    }
                }
            }
            let memory = try sections[2].row("api + worker + launcher + slots").figures
            // Generous: a debug build.
            #expect(memory.contains { $0.name == "MiB" && (5...200).contains($0.value) })
        }

        @Test("--peers: what is installed beside ours, and what is not is named")
        func peers() throws {
            let section = try #require(
                try Self.cost(["--peers", "--rounds", "5", "--warm-up", "1"]).sections.first)
            #expect(try section.row("bulkhead, parked").wall != nil)
            for peer in ["bubblewrap", "crun", "nsjail"] {
                let isThere = section.rows.contains { $0.name.hasPrefix(peer) }
                #expect(isThere || section.notes.contains { $0.hasPrefix(peer) }, "\(peer)")
            }
        }

        @Test("--endurance: nothing grows and nothing is left")
        func endurance() throws {
            let section = try #require(try Self.cost(["--endurance", "400"]).sections.first)
            #expect(try section.row("the first 200").wall?.samples == 200)
            #expect(try section.row("the last 200").wall?.samples == 200)
            #expect(section.notes.contains { $0.hasPrefix("No more processes, control groups") })
            #expect(section.notes.contains { $0.hasSuffix("nothing left of them.") })
        }

        @Test("rounds that cannot be are refused before anything starts")
        func rounds() throws {
            let command = try Command.bulkhead(["bench", "--accuracy", "--rounds", "0"])
            #expect(command.exitCode == 64)
            #expect(command.error.contains("--rounds"))
            #expect(try Command.bulkhead(["bench", "--accuracy", "--ladder"]).exitCode == 64)
        }
    }
}
