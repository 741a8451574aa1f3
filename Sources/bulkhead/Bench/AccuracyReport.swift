import Foundation
import Jobs

/// How exact limits and figures were, from one run of `AccuracyBench`.
struct AccuracyReport: Sendable {
    enum Unit: String, Sendable {
        case milliseconds = "ms"
        case mebibytes = "MiB"
        /// A sample is 0 where the answer was right and 1 where it was not.
        case wrong
    }

    struct Row: Sendable {
        var name: String
        /// How many of them ran at once.
        var jobs: Int
        var unit: Unit
        /// What the 99th percentile of the error must not exceed.
        var goal: Double
        /// Whether an error below zero is wrong whatever its size: a limit that fired too early.
        var isNeverNegative = false
        /// What was reported minus what is right.
        var errors: [Double] = []
        /// How many of the jobs say that other load made their timing doubtful.
        var contended = 0

        var passes: Bool {
            guard !errors.isEmpty, !isNeverNegative || errors.allSatisfy({ $0 >= 0 }) else { return false }
            return errors.map(\.magnitude).quantile(0.99) <= goal
        }
    }

    var rows: [Row]

    var text: String {
        func column(_ value: Double) -> String { String(format: "%9.2f", value) }
        let header =
            "row".padding(toLength: 34, withPad: " ", startingAt: 0)
            + " jobs  unit      min      p50      p95      p99      max     goal  contended"
        return
            ([header]
            + rows.map { row in
                row.name.padding(toLength: 34, withPad: " ", startingAt: 0) + String(format: "%5d", row.jobs)
                    + "  " + row.unit.rawValue.padding(toLength: 5, withPad: " ", startingAt: 0)
                    + [0, 0.5, 0.95, 0.99, 1].map { column(row.errors.quantile($0)).suffix(9) }.joined()
                    + column(row.goal) + String(format: "%7d/%-4d", row.contended, row.errors.count)
                    + (row.passes ? "pass" : "FALLS SHORT")
            }).joined(separator: "\n")
    }

    var json: String {
        let rows = rows.map { row -> JSONValue in
            .object([
                "name": .string(row.name), "jobs": .integer(row.jobs), "unit": .string(row.unit.rawValue),
                "samples": .integer(row.errors.count), "contended": .integer(row.contended),
                "min": .double(row.errors.quantile(0)), "p50": .double(row.errors.quantile(0.5)),
                "p95": .double(row.errors.quantile(0.95)), "p99": .double(row.errors.quantile(0.99)),
                "max": .double(row.errors.quantile(1)), "goal": .double(row.goal), "pass": .bool(row.passes),
            ])
        }
        return String(decoding: JSONValue.object(["rows": .array(rows)]).bytes, as: UTF8.self)
    }
}
