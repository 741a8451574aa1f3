extension Script {
    /// Ends an attempt that failed and puts the job back: to the end of the line, or to `delayed`.
    ///
    /// `ARGV[3]` id, `[4]` token, `[5]` reason, `[6]` stack trace, `[7]` milliseconds to wait, `[8]` a number for this call,
    /// `[9]` 1 where the job jumps the line (`lifo`). Answers 0, 2 where the job is to be cancelled and nothing was done,
    /// or -2, -3, -6 as `finish`.
    static let retry = Script(
        name: "retry",
        body: #"""
            local id, key, delay = ARGV[3], prefix .. ARGV[3], tonumber(ARGV[7])
            if call('HGET', key, 'once') == ARGV[8] then return 0 end
            local problem = lockProblem(id, ARGV[4])
            if problem < 0 then return problem end
            if call('HEXISTS', key, 'cancel') == 1 then return 2 end
            if call('LREM', active, -1, id) < 1 then return -3 end
            unlock(id)
            log(id, ARGV[5])
            call('HINCRBY', key, 'atm', 1)
            call('HSET', key, 'failedReason', ARGV[5], 'stacktrace', ARGV[6], 'once', ARGV[8], 'delay', delay)
            waitsAgain(id)
            if delay > 0 then
              putOff(id, delay)
            else
              local priority = number(call('HGET', key, 'priority'))
              if priority > 0 then
                call('ZADD', prioritized, priorityScore(priority), id)
              else
                call(ARGV[9] == '1' and 'RPUSH' or 'LPUSH', line(), id)
              end
              emit('waiting', 'jobId', id, 'prev', 'active')
            end
            wakeIfWork()
            return 0
            """#)
}
