extension Script {
    /// Takes the next job: `wait` (or `prioritized`) to `active`, its lock, `processedOn`, `pb`, `ats`, event `active`, the
    /// marker for the next worker. Moves what is due from `delayed` first; honours `paused`, `concurrency` and the rate
    /// limit of `meta`.
    ///
    /// `ARGV[3]` token, `[4]` the lock's milliseconds, `[5]` the worker's name, `[6]` the most bytes of data, `[7]` 1 where
    /// an earlier call's answer got lost. Answers {'job', id, name, opts, timestamp, ats, atm, defa, cancel, parentKey,
    /// children, bytes of data, data, when to look again, live, in, request's id, owner's name}, {'expired'} where a job has to be
    /// dropped first, or {'none', when to look again}. That is a time in milliseconds since 1970: long ago where more work waits, nothing where no time is
    /// known and the marker will tell.
    static let take = Script(
        name: "take",
        body: #"""
            local token = ARGV[3]

            local function upcoming()
              if call('LLEN', wait) > 0 or call('ZCARD', prioritized) > 0 then return 0 end
              return nextDelayed()
            end

            local function record(id)
              local key = prefix .. id
              local fields = call('HMGET', key, 'name', 'opts', 'timestamp', 'ats', 'atm', 'defa', 'cancel', 'parentKey',
                'live', 'in', 'rid', 'owner', 'ownerName')
              if fields[12] then call('ZADD', jobsOf(fields[12]), 'XX', 0, id) end
              local children = call('SCARD', key .. ':dependencies') + call('ZCARD', key .. ':unsuccessful')
              local bytes = call('HSTRLEN', key, 'data')
              local data = bytes <= tonumber(ARGV[6]) and call('HGET', key, 'data')
              return {'job', id, fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], fields[7], fields[8],
                children, bytes, data, upcoming() or false, fields[9], fields[10], fields[11],
                fields[13]}
            end

            if ARGV[7] == '1' then
              for _, id in ipairs(call('LRANGE', active, 0, -1)) do
                if call('GET', prefix .. id .. ':lock') == token then
                  call('SET', prefix .. id .. ':lock', token, 'PX', ARGV[4])
                  return record(id)
                end
              end
            end

            if call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 1)[1] then return {'expired'} end

            -- The score of a delayed job is its time times 4096, plus its place among those of the same millisecond.
            local due = call('ZRANGEBYSCORE', delayed, 0, string.format('%.0f', (now + 1) * 4096 - 1), 'LIMIT', 0, 1000)
            for _, id in ipairs(due) do
              call('ZREM', delayed, id)
              local priority = number(call('HGET', prefix .. id, 'priority'))
              if priority == 0 then
                call('LPUSH', line(), id)
              else
                call('ZADD', prioritized, priorityScore(priority), id)
              end
              call('HSET', prefix .. id, 'delay', 0)
              emit('waiting', 'jobId', id, 'prev', 'delayed')
            end
            if #due > 0 then wake() end

            local rate = call('HMGET', meta, 'max', 'duration')
            local most = tonumber(rate[1] or '')
            if most and number(call('GET', limiter)) >= most then
              local left = call('PTTL', limiter)
              if left > 0 then return {'none', now + left} end
              call('DEL', limiter)
            end
            if isHeld() then return {'none', nextDelayed()} end

            for _ = 1, 100 do
              local id = call('RPOPLPUSH', wait, active)
              if not id then
                id = call('ZPOPMIN', prioritized)[1]
                if id then call('LPUSH', active, id) else call('DEL', priorityCounter) end
              end
              if not id then return {'none', nextDelayed()} end
              local key = prefix .. id
              if call('EXISTS', key) == 0 then
                -- A marker of BullMQ 4, or a job whose hash was removed by hand: nothing to run.
                call('LREM', active, 1, id)
              else
                if most then
                  if call('INCR', limiter) == 1 then
                    call('PEXPIRE', limiter, math.floor(math.abs(number(rate[2] or 1000))))
                  end
                end
                call('SET', key .. ':lock', token, 'PX', ARGV[4])
                emit('active', 'jobId', id, 'prev', 'waiting')
                call('HSET', key, 'processedOn', ARGV[2], 'pb', ARGV[5])
                call('HINCRBY', key, 'ats', 1)
                call('ZREM', expiry, id)
                countTaken()
                wakeIfWork()
                return record(id)
              end
            end
            -- A long row of dead entries: come again at once.
            return {'none', now}
            """#)
}
