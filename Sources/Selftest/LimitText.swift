import Jobs

/// Limits as the attacks' table has them: `wall=300 cpu=200 memory=16M processes=16 cpus=0.5`. `slow-wall=10000` is the wall time, as
/// it stands, of a host on which time is stretched: for what cannot come to its own end there.
enum LimitText {
    /// A word that is no limit.
    struct Unknown: Error, CustomStringConvertible {
        var word: String
        var description: String { "\(word) is no limit" }
    }

    /// Puts what the text says over `limits`; milliseconds become `timeScale` times as many.
    static func apply(_ text: String, to limits: inout Limits, timeScale: Int) throws(Unknown) {
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = number(parts[1]) else { throw Unknown(word: String(word)) }
            switch parts[0] {
            case "wall": limits.wallTimeMs = Int(value) * timeScale
            case "slow-wall": if timeScale > 1 { limits.wallTimeMs = Int(value) }
            case "cpu": limits.cpuTimeMs = Int(value) * timeScale
            case "memory": limits.memoryBytes = Int(value)
            case "processes": limits.processes = Int(value)
            case "output": limits.outputBytes = Int(value)
            case "file": limits.fileBytes = Int(value)
            case "disk": limits.diskBytes = Int(value)
            case "inodes": limits.inodes = Int(value)
            case "files": limits.openFiles = Int(value)
            case "cpus": limits.cpus = value
            default: throw Unknown(word: String(word))
            }
        }
    }

    private static func number(_ text: Substring) -> Double? {
        for (unit, factor) in [("K", 1_024.0), ("M", 1_048_576.0)] where text.hasSuffix(unit) {
            return Double(text.dropLast()).map { $0 * factor }
        }
        return Double(text)
    }
}
