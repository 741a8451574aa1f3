import Jobs

extension Selftest {
    /// One job that says nothing which would count: the engine's verdict is compared with the one expected. Afterwards
    /// nothing of it may be stuck.
    func judgeVerdict(_ attack: Attack) async throws -> Judgement {
        let result = await job([attack.name], limits: try limits(of: attack))
        let alive = nothingAlive()
        let slots = await slotsWork()
        return verdict(of: result, expected: attack.expect, cpuPercent: attack.cpuPercent).and(leaks(result)).and(alive)
            .and(slots)
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
