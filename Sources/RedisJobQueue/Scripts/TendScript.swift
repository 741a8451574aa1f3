extension Script {
    /// Drops finished jobs that were kept long enough and names those that wait too long.
    ///
    /// `ARGV[3]`, `[4]`, `[5]` how long, how many and how many bytes of finished jobs are kept. Answers at most 100 ids.
    static let tend = Script(
        name: "tend",
        body: #"""
            trimKept(tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
            return call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 100)
            """#)

    /// Counts jobs: {waiting, active, finished}. Arguments as `tend`.
    static let count = Script(
        name: "count",
        body: #"""
            trimKept(tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
            local waiting = call('LLEN', wait) + call('LLEN', paused) + call('ZCARD', prioritized)
              + call('ZCARD', delayed)
            return {waiting, call('LLEN', active), call('ZCARD', completed) + call('ZCARD', failed)}
            """#)

    /// Puts the marker back where a worker took it and then had no use for the job.
    static let wake = Script(name: "wake", body: "wakeIfWork()")
}
