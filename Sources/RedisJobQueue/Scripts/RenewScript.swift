extension Script {
    /// Gives a lock its full time again, and tells whether somebody wants the job cancelled, or follows it.
    ///
    /// `ARGV[3]` id, `[4]` token, `[5]` the lock's milliseconds. Answers 0, plus 1 where the job is to be cancelled, plus 2
    /// where it is followed; -2 or -6 where the token does not hold it.
    static let renew = Script(
        name: "renew",
        body: #"""
            local problem = lockProblem(ARGV[3], ARGV[4])
            if problem < 0 then return problem end
            call('SET', prefix .. ARGV[3] .. ':lock', ARGV[4], 'PX', ARGV[5])
            call('SREM', stalled, ARGV[3])
            local set = call('HMGET', prefix .. ARGV[3], 'cancel', 'live')
            return (set[1] and 1 or 0) + (set[2] and 2 or 0)
            """#)
}
