// What an operator does to a queue.

extension Script {
    /// The queue at one moment: {waiting, delayed, active, completed, failed, paused, concurrency, when the job was added
    /// that is next, jobs taken, within how many milliseconds}.
    static let inspect = Script(
        name: "inspect",
        body: #"""
            local set = call('HMGET', meta, 'paused', 'concurrency')
            local waiting = call('LLEN', wait) + call('LLEN', paused) + call('ZCARD', prioritized)
            local first = call('LINDEX', paused, -1) or call('LINDEX', wait, -1) or call('ZRANGE', prioritized, 0, 0)[1]
            local added = first and call('HGET', prefix .. first, 'timestamp')
            return {waiting, call('ZCARD', delayed), call('LLEN', active), call('ZCARD', completed),
              call('ZCARD', failed), set[1] and 1 or 0, set[2], added, drained()}
            """#)

    /// Lets nothing be taken any more. Jobs stay in `wait`, as in BullMQ 6; where version 5 is about they go where its own
    /// resume, which replaces `wait`, brings them back from. Answers 0 where it was paused already.
    static let pause = Script(
        name: "pause",
        body: #"""
            local changed = call('HSETNX', meta, 'paused', 1)
            moveAll(wait, line())
            call('DEL', marker)
            if changed == 1 then emit('paused') end
            return changed
            """#)

    /// Lets jobs be taken again, and moves back what BullMQ 5 left in `paused`. Answers 0 where it was not paused.
    static let resume = Script(
        name: "resume",
        body: #"""
            local changed = call('HDEL', meta, 'paused')
            moveAll(paused, wait)
            wakeIfWork()
            local due = nextDelayed()
            if due then call('ZADD', marker, due, '1') end
            if changed == 1 then emit('resumed') end
            return changed
            """#)

    /// Puts a failed job back to the end of the line. Attempts made are kept, as BullMQ keeps them; stalls are forgotten.
    ///
    /// `ARGV[3]` id. Answers 0, 1 where it has not failed, 2 where it is part of a flow, -1 for an unknown job.
    static let reprocess = Script(
        name: "reprocess",
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            local state = call('HMGET', key, 'name', 'parentKey', 'bh', 'priority', 'owner')
            if not state[1] then return -1 end
            if state[2] and state[2] ~= '' then return 2 end
            if call('ZREM', failed, id) == 0 then return 1 end
            call('HDEL', key, 'finishedOn', 'processedOn', 'pb', 'failedReason', 'result', 'stc', 'once')
            call('ZREM', kept, id)
            forgetSize(keptSizes, keptBytes, id)
            call('DEL', prefix .. 'bh:result:' .. id)
            if state[3] then
              call('HSET', open, id, state[3])
              call('INCRBY', openBytes, state[3])
              touch(open, openBytes)
              local name = keyOf(id)
              if name then touch(name) end
            end
            if state[5] then
              -- Whoever runs the service decides this, and no quota of the owner's.
              call('ZADD', jobsOf(state[5]), call('INCR', idCounter) + 1, id)
              call('SADD', owners, state[5])
              touch(jobsOf(state[5]), owners)
            end
            if number(state[4]) > 0 then
              call('ZADD', prioritized, priorityScore(number(state[4])), id)
            else
              call('LPUSH', line(), id)
            end
            emit('waiting', 'jobId', id, 'prev', 'failed')
            wake()
            return 0
            """#)

    /// Failed jobs that the engine failed, or a worker that is none of ours: not those that were cancelled or expired.
    ///
    /// `ARGV[3]` how many to pass over, `[4]` how many to look at. Answers {looked at, ids}.
    static let failures = Script(
        name: "failures",
        body: #"""
            local first = tonumber(ARGV[3])
            local ids, found = call('ZRANGE', failed, first, first + tonumber(ARGV[4]) - 1), {}
            for _, id in ipairs(ids) do
              local text = call('HGET', prefix .. id, 'result')
              local isRead, result = pcall(cjson.decode, text or '{}')
              local status = isRead and type(result) == 'table' and result.status
              if status ~= 'cancelled' and status ~= 'expired' then found[#found + 1] = id end
            end
            return {#ids, found}
            """#)

    /// The ids of up to `ARGV[3]` jobs that wait, and with `ARGV[4]` 1 of those in `delayed`.
    static let waiting = Script(
        name: "waiting",
        body: #"""
            local last, found = tonumber(ARGV[3]) - 1, {}
            local function add(ids)
              for _, id in ipairs(ids) do
                if #found <= last then found[#found + 1] = id end
              end
            end
            add(call('LRANGE', wait, 0, last))
            add(call('LRANGE', paused, 0, last))
            add(call('ZRANGE', prioritized, 0, last))
            if ARGV[4] == '1' then add(call('ZRANGE', delayed, 0, last)) end
            return found
            """#)
}
