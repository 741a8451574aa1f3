// What those need who follow a job while it runs, and those who send to it.

extension Script {
    /// Notes that somebody follows a job, and tells its worker.
    ///
    /// `ARGV[3]` id. Answers 0, or -1 for an unknown job.
    static let follow = Script(
        name: "follow",
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            local fields = call('HMGET', key, 'timestamp', 'finishedOn', 'live')
            if not fields[1] then return -1 end
            if fields[2] or fields[3] then return 0 end
            call('HSET', key, 'live', 1)
            -- One that waits is taken with the mark.
            if call('EXISTS', key .. ':lock') == 1 then call('PUBLISH', prefix .. 'bh:live-words', 'f' .. id) end
            return 0
            """#)

    /// Tells more of a job that is held, to those who follow it. What was told before, by a call whose answer got lost, is
    /// passed over; what earlier attempts told goes.
    ///
    /// `ARGV[3]` id, `[4]` token, `[5]` for how many milliseconds to keep it, `[6]` the position before this attempt, then
    /// for each event its position, kind and text. Answers 0, or -2, -6 where the token does not hold the job.
    static let tell = Script(
        name: "tell",
        body: #"""
            local id = ARGV[3]
            local problem = lockProblem(id, ARGV[4])
            if problem < 0 then return problem end
            local stream = prefix .. 'bh:live:' .. id
            for index = 7, #ARGV, 3 do
              local added = redis.pcall('XADD', stream, 'MINID', ARGV[6], ARGV[index], ARGV[index + 1], ARGV[index + 2])
              if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
                return added
              end
            end
            call('PEXPIRE', stream, ARGV[5])
            call('PUBLISH', prefix .. 'bh:live-told', id)
            return 0
            """#)

    /// What was told of a job behind a position.
    ///
    /// `ARGV[3]` id, `[4]` the position. Answers {state, entries}: state -1 for an unknown job, 0 while it waits, 1 while it
    /// runs, 2 when it is finished; at most four entries, each {position, {kind, text}}.
    static let told = Script(
        name: "told",
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            local fields = call('HMGET', key, 'timestamp', 'finishedOn')
            if not fields[1] then return {-1} end
            local entries = call('XRANGE', prefix .. 'bh:live:' .. id, '(' .. ARGV[4], '+', 'COUNT', 4)
            if fields[2] then return {2, entries} end
            return {call('EXISTS', key .. ':lock'), entries}
            """#)

    /// Puts bytes behind the unread ones of a job's standard input, and tells its worker.
    ///
    /// `ARGV[3]` id, `[4]` the bytes, `[5]` 1 where the end follows, `[6]` how many may be unread, `[7]` a number for this
    /// call. Answers 0, 1 full, 2 not interactive, 3 closed, 4 finished, -1 unknown.
    static let send = Script(
        name: "send",
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            local fields = call('HMGET', key, 'timestamp', 'finishedOn', 'in', 'inOnce')
            if not fields[1] then return -1 end
            if fields[2] then return 4 end
            if fields[4] == ARGV[7] then return 0 end
            if not fields[3] then return 2 end
            if fields[3] ~= '1' then return 3 end
            local input = prefix .. 'bh:input:' .. id
            if call('STRLEN', input) + #ARGV[4] > tonumber(ARGV[6]) then return 1 end
            if #ARGV[4] > 0 then
              call('APPEND', input, ARGV[4])
              touch(input)
            end
            call('HSET', key, 'inOnce', ARGV[7])
            if ARGV[5] == '1' then call('HSET', key, 'in', 0) end
            call('PUBLISH', prefix .. 'bh:live-words', 'i' .. id)
            return 0
            """#)

    /// Drops what the program has taken of its standard input and gives what has not been fetched. Both are counted from
    /// the beginning, so that a call whose answer got lost can be repeated.
    ///
    /// `ARGV[3]` id, `[4]` token, `[5]` bytes taken, `[6]` bytes fetched, `[7]` 1 where nobody will take any more. Answers
    /// {0, bytes, 1 where the end follows them}, or {-2}, {-6} where the token does not hold the job.
    static let receive = Script(
        name: "receive",
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            local problem = lockProblem(id, ARGV[4])
            if problem < 0 then return {problem} end
            local input, taken = prefix .. 'bh:input:' .. id, tonumber(ARGV[5])
            local fields = call('HMGET', key, 'in', 'inAt')
            local at = number(fields[2])
            if taken > at then
              local rest = call('GETRANGE', input, taken - at, -1)
              call('SET', input, rest)
              touch(input)
              call('HSET', key, 'inAt', taken)
              at = taken
            end
            if ARGV[7] == '1' then call('HSET', key, 'in', 0) end
            return {0, call('GETRANGE', input, tonumber(ARGV[6]) - at, -1), fields[1] == '0' and 1 or 0}
            """#)
}
