import Jobs

extension Selftest {
    /// Two roles at once, in two slots: the second acts while the first is in place, then the first looks.
    func judgePair(_ attack: Attack) async throws -> Judgement {
        let limits = try limits(of: attack)
        let first = try HeldJob(self, [attack.name], limits: limits)
        guard await first.isReady() else {
            let own = OwnFinding(await first.release()).judgement
            return own.verdict == .contained ? .unjudged("the first role ended too early: \(own.reason)") : own
        }
        let secondResult = await job([attack.name, "second"], limits: limits)
        let firstResult = await first.release()
        let (one, two) = (OwnFinding(firstResult), OwnFinding(secondResult))
        guard one.slot != two.slot, one.slot != 0, two.slot != 0 else {
            return .escaped("both roles ran with the host's uid \(one.slot)")
        }
        return two.judgement.and(one.judgement).and(leaks(firstResult)).and(leaks(secondResult)).and(nothingAlive())
    }

    /// Two roles one after the other in the very same slot, while the other slot is kept busy.
    func judgeSequel(_ attack: Attack) async throws -> Judgement {
        let limits = try limits(of: attack)
        let holder = try HeldJob(self, ["--hold"], limits: limits)
        guard await holder.isReady() else {
            let result = await holder.release()
            return .unjudged("the other slot could not be kept busy: \(OwnFinding.ending(of: result))")
        }
        let firstResult = await job([attack.name], limits: limits)
        let one = OwnFinding(firstResult)
        let secondResult = await job(
            [attack.name, "second"], limits: limits, environment: ["ATTACK_MEMO": one.memo ?? ""])
        let two = OwnFinding(secondResult)
        let held = await holder.release()
        guard held.status == .ok else {
            return .unjudged("the other slot was not kept busy: \(OwnFinding.ending(of: held))")
        }
        guard one.slot == two.slot, one.slot != 0 else {
            return .unjudged("the roles ran in two slots, \(one.slot) and \(two.slot)")
        }
        return two.judgement.and(one.judgement).and(leaks(firstResult)).and(leaks(secondResult)).and(nothingAlive())
    }
}
