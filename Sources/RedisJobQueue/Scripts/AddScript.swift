extension Script {
    /// Puts a job at the end of the line, if there is room: job hash, `wait`, marker, events `added` and `waiting`.
    ///
    /// One that has an owner goes where its owner's next turn is. `wait` stays a list in the order in which jobs are taken,
    /// so that BullMQ's own clients, which know of no owners, see and take them in that order as well.
    ///
    /// `ARGV[3]` id, `[4]` data, `[5]` options, `[6]` how many may wait, `[7]` how many bytes, `[8]` bytes of this one,
    /// `[9]` when it expires or empty, `[10]` a number for this call, `[11]` scope and idempotency key or empty, `[12]` the
    /// request's id or empty, `[13]` 1 for an interactive job or empty, `[14]` the owner or empty, `[15]` and `[16]` how many
    /// jobs of the owner may be open and may wait, or empty, `[17]` what logs call the owner. Answers {0},
    /// {1} for an id that is taken, {2, jobs, bytes, jobs taken, within milliseconds} where too many wait, {3, …} where they
    /// are too large, {4, id} for a repetition, {5} for a key of another request, {6, …} and {7, …}, as 2, where too many of
    /// the owner are open or wait. A call that is repeated because its answer got lost finds its own number.
    static let add = Script(
        name: "add", parts: [turnStep, idleStep, reconcileStep],
        body: #"""
            local id, size = ARGV[3], tonumber(ARGV[8])
            local key = prefix .. id
            if call('EXISTS', key) == 1 then
              if call('HGET', key, 'born') == ARGV[10] then return {0} end
              emit('duplicated', 'jobId', id)
              return {1}
            end
            if ARGV[11] ~= '' then
              local earlier = call('GET', prefix .. 'bh:key:' .. ARGV[11])
              local data = earlier and call('HGET', prefix .. earlier, 'data')
              if data then return data == ARGV[4] and {4, earlier} or {5} end
            end
            local owner, waiting = ARGV[14], 0
            -- Why there is no room for it, or nothing. As `EmbeddedJobQueue.add` and `.checkQuota`.
            local function refusal()
              waiting = call('LLEN', wait) + call('LLEN', paused) + call('ZCARD', prioritized) + call('ZCARD', delayed)
              local bytes = number(call('GET', openBytes))
              if waiting >= tonumber(ARGV[6]) and not isTakenAtOnce() then return {2, waiting, bytes, drained()} end
              if bytes + size > tonumber(ARGV[7]) then return {3, waiting, bytes, drained()} end
              if owner == '' then return end
              local held = call('ZCARD', jobsOf(owner))
              if ARGV[15] ~= '' and held >= tonumber(ARGV[15]) then return {6, held, bytes, drained()} end
              local queued = call('ZCOUNT', jobsOf(owner), '(0', '+inf')
              -- Without a share of its own, no more than is left for all others.
              local most = tonumber(ARGV[16]) or tonumber(ARGV[6]) - waiting
              if queued >= most and not isTakenAtOnce() then return {7, queued, bytes, drained()} end
              local free = tonumber(ARGV[7]) - bytes
              -- Before that it cannot be, and then there is no need to add anything up.
              if bytes > free then
                local own = 0
                for _, each in ipairs(call('ZRANGE', jobsOf(owner), 0, -1)) do
                  own = own + number(call('HGET', open, each))
                end
                if own > free then return {7, queued, bytes, drained()} end
              end
            end
            local refused = refusal()
            -- Places of jobs that others removed come back before anybody is refused for them. Once a second at most, so that
            -- a flood of refusals costs no more than they do.
            if refused and call('SET', prefix .. 'bh:reconciled', 1, 'NX', 'PX', 1000) then
              reconcile()
              refused = refusal()
            end
            if refused then return refused end

            local place = call('INCR', idCounter)
            call('HSET', key, 'name', 'execute', 'data', ARGV[4], 'opts', ARGV[5], 'timestamp', ARGV[2],
              'delay', 0, 'priority', 0, 'bh', size, 'born', ARGV[10])
            if ARGV[12] ~= '' then call('HSET', key, 'rid', ARGV[12]) end
            if ARGV[13] == '1' then call('HSET', key, 'in', 1) end
            if ARGV[9] ~= '' then
              call('HSET', key, 'expiresAt', ARGV[9])
              call('ZADD', expiry, ARGV[9], id)
            end
            if ARGV[11] ~= '' then
              call('HSET', key, 'key', ARGV[11])
              call('SET', prefix .. 'bh:key:' .. ARGV[11], id, 'PX', 604800000)
            end
            countAdded(waiting)
            call('HSET', open, id, size)
            call('INCRBY', openBytes, size)
            touch(open, openBytes, expiry)
            emit('added', 'jobId', id, 'name', 'execute')
            if owner == '' then
              call('LPUSH', line(), id)
            else
              takeTurn(id, owner)
              call('HSET', key, 'owner', owner, 'ownerName', ARGV[17])
              call('ZADD', jobsOf(owner), place + 1, id)
              call('SADD', owners, owner)
              touch(jobsOf(owner), owners)
            end
            wake()
            emit('waiting', 'jobId', id)
            return {0}
            """#)
}
