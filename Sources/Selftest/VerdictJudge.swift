import Jobs

extension Selftest {
    /// One job that says nothing which would count: the engine's verdict is compared with the one expected. Afterwards
    /// nothing of it may be stuck.
    func judgeVerdict(_ attack: Attack) async throws -> Judgement {
        let limits = try limits(of: attack)
        let result = await job([attack.name], limits: limits)
        let alive = nothingAlive()
        let slots = await slotsWork()
        return verdict(of: result, expected: attack.expect, cpuPercent: attack.cpuPercent)
            .and(punctuality(of: result, limits)).and(leaks(result)).and(alive).and(slots)
    }

    /// Whether it was ended when its time was over. The bound is no measure of exactness: a slow host takes its time to
    /// kill a thousand processes.
    private nonisolated func punctuality(of result: ExecutionResult, _ limits: Limits) -> Judgement {
        let late = result.wallTimeMs - Double(limits.wallTimeMs)
        return late > 8_000 ? .escaped("it ran \(late) ms longer than it may") : .contained("")
    }

    nonisolated func verdict(of result: ExecutionResult, expected: String?, cpuPercent: Int) -> Judgement {
        let ending = OwnFinding.ending(of: result)
        let expected = expected?.alternatives ?? []
        guard !expected.isEmpty else { return .unjudged("the table does not say what is expected") }
        guard expected.contains(ending) || expected.contains(result.status.rawValue) else {
            return .escaped(
                "the verdict is \(ending), not \(expected.joined(separator: " or "))"
                    + (result.message.map { " (\($0))" } ?? ""))
        }
        if cpuPercent > 0, result.cpuTimeMs * 100 > result.wallTimeMs * Double(cpuPercent) {
            return .escaped("it got \(result.cpuTimeMs) ms of CPU in \(result.wallTimeMs) ms")
        }
        return .contained(ending + (result.message.map { ": \($0)" } ?? ""))
    }
}
