import Jobs

/// One job of a storm: what is run, under which limits, what is done to it from outside, and what is right for it.
struct StormJob: Sendable {
    enum Work: Sendable {
        /// An attack of the attack program, as a job of its own.
        case attack(Attack)
        /// A source that the compile stage is attacked with.
        case source(Attack)
        /// A program in a language of the default image, as a request.
        case program(language: String, code: String)
    }

    enum Input: Sendable {
        /// So many bytes, all `a`.
        case bytes(Int)
        /// A pipe that nobody writes to and that does not end.
        case silent
    }

    /// When it is cancelled.
    enum Cancelled: Sendable {
        case never
        /// Milliseconds after it was handed over, whether it runs by then or waits.
        case after(Int)
        /// As soon as something that it wrote has been seen.
        case atOutput
    }

    var index: Int
    var name: String
    var work: Work
    /// The program's; the compile stage's for a source.
    var limits: Limits
    var input = Input.bytes(0)
    var collect: [String] = []
    var encoding = OutputEncoding.utf8
    var cancelled = Cancelled.never
    /// How it may end by what it does itself: endings as `OwnFinding.ending` has them, or a status alone.
    var natural: Set<String>
    /// How it may end as well, for a limit that is so small, or a cancellation so early, that it can come first.
    var early: Set<String> = []
    /// What must hold where it ended naturally; the reason why it does not, or nil.
    var check: @Sendable (ExecutionResult) -> String? = { _ in nil }

    /// Whether a verdict is among the right ones.
    func allows(_ result: ExecutionResult) -> Bool {
        isNatural(result) || early.contains(result.status.rawValue)
    }

    func isNatural(_ result: ExecutionResult) -> Bool {
        natural.contains(OwnFinding.ending(of: result)) || natural.contains(result.status.rawValue)
    }

    /// Everything that was drawn, in a line.
    var text: String {
        var words = ["\(index) \(name):"]
        let limits = limits
        words.append("wall=\(limits.wallTimeMs) cpu=\(limits.cpuTimeMs) memory=\(limits.memoryBytes)")
        words.append("processes=\(limits.processes) output=\(limits.outputBytes) file=\(limits.fileBytes)")
        words.append("disk=\(limits.diskBytes) inodes=\(limits.inodes) files=\(limits.openFiles) cpus=\(limits.cpus)")
        switch input {
        case .bytes(0): break
        case .bytes(let count): words.append("stdin=\(count)")
        case .silent: words.append("stdin=silent")
        }
        if encoding == .base64 { words.append("base64") }
        if !collect.isEmpty { words.append("collect=\(collect.joined(separator: ","))") }
        switch cancelled {
        case .never: break
        case .after(let milliseconds): words.append("cancel=\(milliseconds)")
        case .atOutput: words.append("cancel=output")
        }
        if case .program(_, let code) = work { words.append("«\(code.replacing("\n", with: "⏎"))»") }
        return words.joined(separator: " ")
    }

    /// What would be right, in words.
    var expectation: String { natural.union(early).sorted().joined(separator: " or ") }
}
