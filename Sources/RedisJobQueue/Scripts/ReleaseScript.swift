extension Script {
    /// Gives an active job back as if it had never been taken: to the front of the line, or to `delayed`.
    ///
    /// `ARGV[3]` id, `[4]` token, `[5]` a number for this call, `[6]` milliseconds to wait. Answers as `retry`.
    static let release = Script(
        name: "release",
        body: #"""
            local id, key, delay = ARGV[3], prefix .. ARGV[3], tonumber(ARGV[6])
            if call('HGET', key, 'once') == ARGV[5] then return 0 end
            local problem = lockProblem(id, ARGV[4])
            if problem < 0 then return problem end
            if call('HEXISTS', key, 'cancel') == 1 then return 2 end
            if call('LREM', active, -1, id) < 1 then return -3 end
            unlock(id)
            call('HSET', key, 'once', ARGV[5])
            waitsAgain(id)
            if call('HINCRBY', key, 'ats', -1) <= 0 then
              call('HDEL', key, 'processedOn', 'pb')
              local expiresAt = call('HGET', key, 'expiresAt')
              if expiresAt then
                call('ZADD', expiry, expiresAt, id)
                touch(expiry)
              end
            end
            if delay > 0 then
              call('HSET', key, 'delay', delay)
              putOff(id, delay)
              wakeIfWork()
              return 0
            end
            local priority = number(call('HGET', key, 'priority'))
            if priority > 0 then
              -- Before all others of its priority.
              call('ZADD', prioritized, priority * 4294967296, id)
            else
              call('RPUSH', line(), id)
            end
            emit('waiting', 'jobId', id, 'prev', 'active')
            wake()
            return 0
            """#)
}
