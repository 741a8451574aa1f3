import Jobs

extension Selftest {
    /// One job, which says its own finding.
    func judgeAlone(_ attack: Attack) async throws -> Judgement {
        let result = await job([attack.name], limits: try limits(of: attack))
        return OwnFinding(result).judgement.and(leaks(result))
    }
}
