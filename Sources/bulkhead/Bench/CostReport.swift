import Foundation

/// What sandboxes cost, from one run of `CostBench`.
struct CostReport: Sendable {
    struct Row: Sendable {
        var name: String
        /// Microseconds.
        var samples: [Double]

        func quantile(_ share: Double) -> Double { samples.quantile(share) }
    }

    var rows: [Row]
    /// Sandboxes per second by the number of slots in use, and the same for bare spawns.
    var throughput: [(name: String, perSecond: Double)]

    var text: String {
        var lines = ["row                    p50 us   p95 us   p99 us   min us   over bare p50"]
        func column(_ value: Double) -> String { String(format: "%9.0f", value) }
        let bare = rows[0].quantile(0.5)
        for row in rows {
            lines.append(
                row.name.padding(toLength: 20, withPad: " ", startingAt: 0)
                    + [0.5, 0.95, 0.99, 0].map { column(row.quantile($0)) }.joined()
                    + String(format: "%12.0f us", row.quantile(0.5) - bare))
        }
        for entry in throughput {
            lines.append(
                entry.name.padding(toLength: 28, withPad: " ", startingAt: 0)
                    + String(format: "%8.0f /s", entry.perSecond))
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        let rows = rows.map { row in
            "{\"name\":\"\(row.name)\",\"p50us\":\(row.quantile(0.5)),\"p95us\":\(row.quantile(0.95)),"
                + "\"p99us\":\(row.quantile(0.99)),\"minus\":\(row.quantile(0)),\"rounds\":\(row.samples.count)}"
        }
        let rates = throughput.map { "{\"name\":\"\($0.name)\",\"perSecond\":\($0.perSecond)}" }
        return "{\"rows\":[\(rows.joined(separator: ","))],\"throughput\":[\(rates.joined(separator: ","))]}"
    }
}

extension [Double] {
    /// The value that a share of the samples, from 0 for the least to 1 for the largest, does not exceed; there must be some.
    func quantile(_ share: Double) -> Double {
        let sorted = sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
