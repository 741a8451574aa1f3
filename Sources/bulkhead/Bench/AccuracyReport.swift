import Foundation
import Jobs
import Measurement

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
        var jobs = 1
        var unit: Unit
        /// What the 99th percentile of the error must not exceed.
        var goal: Double
        /// Whether an error below zero is wrong whatever its size: a limit that fired too early.
        var isNeverNegative = false
        /// Whether only errors above zero count: what is seen from elsewhere begins a little later or lags behind.
        var isUpperBound = false
        /// What was reported minus what is right.
        var errors: [Double] = []
        /// The same of the program without a sandbox; empty where nothing could be compared.
        var bare: [Double] = []
        /// How many of the jobs say that other load made their timing doubtful.
        var contended = 0

        var passes: Bool {
            guard !errors.isEmpty, !isNeverNegative || errors.allSatisfy({ $0 >= 0 }) else { return false }
            return errors.map { isUpperBound ? $0 : $0.magnitude }.quantile(0.99) <= goal
        }
    }

    var rows: [Row]

    /// Whether every goal was met.
    var passes: Bool { rows.allSatisfy(\.passes) }

    var text: String {
        func column(_ value: Double?) -> String { value.map { String(format: "%9.2f", $0) } ?? "        -" }
        let header =
            "row".padding(toLength: 40, withPad: " ", startingAt: 0)
            + " jobs  unit      min      p50      p99      max     goal bare p50 bare p99  contended"
        let missed = rows.count { !$0.passes }
        return
            ([header]
            + rows.map { row in
                row.name.padding(toLength: 40, withPad: " ", startingAt: 0) + String(format: "%5d", row.jobs)
                    + "  " + row.unit.rawValue.padding(toLength: 5, withPad: " ", startingAt: 0)
                    + [0, 0.5, 0.99, 1].map { column(row.errors.quantile($0)) }.joined() + column(row.goal)
                    + [0.5, 0.99].map { column(row.bare.isEmpty ? nil : row.bare.quantile($0)) }.joined()
                    + String(format: "%7d/%-4d", row.contended, row.errors.count)
                    + (row.passes ? "met" : "NOT MET")
            } + [missed == 0 ? "All \(rows.count) goals are met." : "\(missed) of \(rows.count) goals are not met."])
            .joined(separator: "\n")
    }

    var json: String {
        let rows = rows.map { row -> JSONValue in
            .object([
                "name": .string(row.name), "jobs": .integer(row.jobs), "unit": .string(row.unit.rawValue),
                "samples": .integer(row.errors.count), "contended": .integer(row.contended),
                "min": .double(row.errors.quantile(0)), "p50": .double(row.errors.quantile(0.5)),
                "p99": .double(row.errors.quantile(0.99)), "max": .double(row.errors.quantile(1)),
                "bareP50": row.bare.isEmpty ? .null : .double(row.bare.quantile(0.5)),
                "bareP99": row.bare.isEmpty ? .null : .double(row.bare.quantile(0.99)),
                "goal": .double(row.goal), "met": .bool(row.passes),
            ])
        }
        return String(
            decoding: JSONValue.object(["rows": .array(rows), "met": .bool(passes)]).serialized(), as: UTF8.self)
    }
}
