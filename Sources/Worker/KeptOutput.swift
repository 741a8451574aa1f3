import Isolation

/// What is kept of the output of all cases of a job, within one bound for all of them.
///
/// Every stream keeps its beginning up to one level, the same for all, which is as high as the bound allows: short ones stay
/// whole, and long ones give way. It does not matter in which order they come.
struct KeptOutput {
    /// The two streams of a case.
    struct Streams {
        var output: [UInt8]
        var error: [UInt8]
    }

    private let most: Int
    private var level: Int
    private var kept: [Int: Streams] = [:]

    /// - Parameter most: bytes of all streams together.
    init(most: Int) {
        self.most = most
        level = most
    }

    /// What is kept of a case; nothing where it had no output.
    subscript(index: Int) -> Streams { kept[index] ?? Streams(output: [], error: []) }

    /// Bytes that are kept now.
    var bytes: Int { kept.values.reduce(0) { $0 + $1.output.count + $1.error.count } }

    /// Keeps the output of one more case.
    mutating func keep(_ streams: Streams, of index: Int) {
        kept[index] = streams
        cut(index)
        guard bytes > most else { return }
        lowerLevel()
        for index in kept.keys { cut(index) }
    }

    /// Lets go of a case that is not wanted any more.
    mutating func drop(_ index: Int) {
        kept[index] = nil
    }

    private mutating func cut(_ index: Int) {
        // A copy, for what is only made shorter keeps its memory.
        if let output = kept[index]?.output, output.count > level { kept[index]?.output = Array(output[..<level]) }
        if let error = kept[index]?.error, error.count > level { kept[index]?.error = Array(error[..<level]) }
    }

    /// Finds the highest level at which everything fits: the shortest first, each takes no more than an equal share of what
    /// those before it left.
    private mutating func lowerLevel() {
        let lengths = kept.values.flatMap { [$0.output.count, $0.error.count] }.sorted()
        var left = most
        for (position, length) in lengths.enumerated() {
            let share = left / (lengths.count - position)
            guard length <= share else {
                level = share
                return
            }
            left -= length
        }
    }
}
