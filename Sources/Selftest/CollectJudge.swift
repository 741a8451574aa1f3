import Jobs

extension Selftest {
    /// One job whose files are collected: what comes out, and what must not.
    func judgeCollect(_ attack: Attack) async throws -> Judgement {
        let patterns = (attack.collect ?? "").split(separator: " ").map(String.init)
        guard !patterns.isEmpty else { return .unjudged("the table names nothing to collect") }
        let result = await job([attack.name], limits: try limits(of: attack), collect: patterns)
        let alive = nothingAlive()
        let slots = await slotsWork()
        return verdict(of: result, expected: attack.expect, cpuPercent: 0).and(collected(result, attack))
            .and(leaks(result)).and(alive).and(slots)
    }

    nonisolated func collected(_ result: ExecutionResult, _ attack: Attack) -> Judgement {
        let taken = result.files.filter { $0.skipped == nil }
        let left = result.files.count - taken.count
        let never = (attack.never?.alternatives ?? []) + [witness.canary]
        for file in taken {
            let text = file.contents.map { String(decoding: $0, as: UTF8.self) } ?? ""
            if let found = never.first(where: text.contains) { return .escaped("\(file.path) has \(found) in it") }
        }
        let bytes = taken.reduce(0) { $0 + $1.bytes }
        guard taken.count <= CollectedFile.most, bytes <= CollectedFile.mostBytes else {
            return .escaped("\(taken.count) files with \(bytes) bytes were collected")
        }
        let paths = taken.map(\.path).sorted()
        if let expected = attack.collected {
            let expected = expected.split(separator: " ").map(String.init).sorted()
            guard paths == expected else {
                // Less than expected means that the attack was none, or kept its own files from coming out.
                let more = Set(paths).subtracting(expected)
                let reason = "collected were \(paths.prefix(8)), not \(expected)"
                return more.isEmpty ? .unjudged(reason) : .escaped(reason)
            }
        }
        return .contained("\(paths.count) files came out, \(left) are told of as left out")
    }
}
