extension Script {
    /// Puts a job at the end of the line, if there is room: job hash, `wait`, marker, events `added` and `waiting`.
    ///
    /// `ARGV[3]` id, `[4]` data, `[5]` options, `[6]` how many may wait, `[7]` how many bytes, `[8]` bytes of this one,
    /// `[9]` when it expires or empty, `[10]` a number for this call. Answers {0}, {1} for an id that is taken, {2, jobs}
    /// or {3, bytes} where it is full. A call that is repeated because its answer got lost finds its own number.
    static let add = Script(
        name: "add",
        body: #"""
            local id, size = ARGV[3], tonumber(ARGV[8])
            local key = prefix .. id
            if call('EXISTS', key) == 1 then
              if call('HGET', key, 'once') == ARGV[10] then return {0} end
              emit('duplicated', 'jobId', id)
              return {1}
            end
            local waiting = call('LLEN', wait) + call('LLEN', paused) + call('ZCARD', prioritized)
              + call('ZCARD', delayed)
            if waiting >= tonumber(ARGV[6]) then return {2, waiting} end
            local bytes = number(call('GET', openBytes))
            if bytes + size > tonumber(ARGV[7]) then return {3, bytes} end

            call('INCR', idCounter)
            call('HSET', key, 'name', 'execute', 'data', ARGV[4], 'opts', ARGV[5], 'timestamp', ARGV[2],
              'delay', 0, 'priority', 0, 'bh', size, 'once', ARGV[10])
            if ARGV[9] ~= '' then
              call('HSET', key, 'expiresAt', ARGV[9])
              call('ZADD', expiry, ARGV[9], id)
            end
            call('HSET', open, id, size)
            call('INCRBY', openBytes, size)
            touch(open, openBytes, expiry)
            emit('added', 'jobId', id, 'name', 'execute')
            call('LPUSH', line(), id)
            wake()
            emit('waiting', 'jobId', id)
            return {0}
            """#)
}
