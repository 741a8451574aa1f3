import Foundation

/// What a process answered a scrape.
struct Scrape {
    let text: String
    let contentType: String?
    /// The metrics that are described.
    let names: Set<String>
    /// By the series as it is written, labels included.
    private let values: [String: Double]

    init(port: Int) throws {
        let response = try HTTP.get("/metrics", port: port)
        guard response.status == 200 else {
            throw Child.Failure(description: "GET /metrics: \(response.status) \(response.text)")
        }
        text = response.text
        contentType = response.headers["content-type"]
        var names: Set<String> = []
        var values: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                names.insert(String(line.split(separator: " ")[2]))
            } else if !line.hasPrefix("#"), let space = line.lastIndex(of: " ") {
                values[String(line[..<space])] = Double(line[line.index(after: space)...])
            }
        }
        self.names = names
        self.values = values
    }

    /// The value of a series, as it is written: `name{label="value"}`.
    subscript(series: String) -> Double? { values[series] }

    /// The sum of all series of a metric.
    func sum(_ name: String) -> Double {
        values.reduce(0) { $1.key == name || $1.key.hasPrefix("\(name){") ? $0 + $1.value : $0 }
    }
}
