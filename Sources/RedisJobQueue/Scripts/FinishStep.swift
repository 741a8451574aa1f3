extension Script {
    /// The one way to `completed` and `failed`, for a job that is in no list any more and unlocked.
    ///
    /// `ARGV[5]` completed or failed, `[6]` the return value's JSON or the reason, `[7]` the field `result` or empty,
    /// `[8]` the whole result where it is kept apart or empty, `[9]` for how many milliseconds that is, `[10]` and `[11]`
    /// the producer's wish: how many to keep (-1 all) and for how many seconds (empty for ever), `[12]` attempts, `[13]`
    /// the result's size, `[14]` a number for this call, `[15]`, `[16]`, `[17]` how long, how many and how many bytes of
    /// jobs made here are kept, `[18]` the stack trace.
    static let finishStep = #"""
        local function finish(id, previous)
          local key = prefix .. id
          local target, value = ARGV[5], ARGV[6]
          local set = target == 'completed' and completed or failed
          local field = target == 'completed' and 'returnvalue' or 'failedReason'
          local before = call('HMGET', key, 'atm', 'in')
          local made = number(before[1])
          if previous == 'active' then made = call('HINCRBY', key, 'atm', 1) end
          local ours = call('HMGET', key, 'bh', 'owner')
          local isOurs = ours[1] and true or false
          if ours[2] then call('ZREM', jobsOf(ours[2]), id) end
          forgetSize(open, openBytes, id)
          call('ZREM', expiry, id)
          call('HDEL', key, 'cancel', 'defa', 'expiresAt', 'live', 'in', 'inAt', 'inOnce')
          if before[2] then call('DEL', prefix .. 'bh:input:' .. id) end
          call('HSET', key, field, value, 'finishedOn', ARGV[2], 'once', ARGV[14])
          if ARGV[7] ~= '' then call('HSET', key, 'result', ARGV[7]) else call('HDEL', key, 'result') end
          if target == 'failed' then
            call('HSET', key, 'stacktrace', ARGV[18])
            -- What stalled was logged as it was found, and one that never ran has nothing to tell.
            if previous == 'active' then log(id, value) end
          end
          if ARGV[8] ~= '' then call('SET', prefix .. 'bh:result:' .. id, ARGV[8], 'PX', ARGV[9]) end

          local deduplication = call('HGET', key, 'deid')
          if deduplication then
            local name = prefix .. 'de:' .. deduplication
            if call('PTTL', name) <= 0 and call('GET', name) == id then call('DEL', name) end
          end

          local keep = tonumber(ARGV[10])
          if isOurs then
            call('ZADD', set, ARGV[2], id)
            forgetSize(keptSizes, keptBytes, id)
            call('ZADD', kept, ARGV[2], id)
            call('HSET', keptSizes, id, ARGV[13])
            call('INCRBY', keptBytes, ARGV[13])
            touch(open, openBytes, expiry, kept, keptSizes, keptBytes)
            local name = keyOf(id)
            if name then call('PEXPIRE', name, ARGV[15]) end
            trimKept(tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]))
          elseif keep == 0 then
            removeJob(id)
          else
            call('ZADD', set, ARGV[2], id)
            -- As BullMQ: the wish of the job that finishes holds for all. But not for those made over HTTP.
            local old = {}
            if ARGV[11] ~= '' then
              local oldest = now - tonumber(ARGV[11]) * 1000
              old = call('ZREVRANGEBYSCORE', set, oldest, '-inf', 'LIMIT', 0, 1000)
            end
            if keep > 0 then
              for _, other in ipairs(call('ZREVRANGE', set, keep, keep + 999)) do old[#old + 1] = other end
            end
            for _, other in ipairs(old) do
              if not call('ZSCORE', kept, other) and call('ZREM', set, other) > 0 then removeJob(other) end
            end
          end

          emit(target, 'jobId', id, field, value, 'prev', previous)
          if target == 'failed' and made >= tonumber(ARGV[12]) then
            emit('retries-exhausted', 'jobId', id, 'attemptsMade', made)
          end
          if call('LLEN', wait) == 0 and call('LLEN', active) == 0 and call('ZCARD', prioritized) == 0 then
            emit('drained')
          else
            -- Somebody may wait for a place below the limit on active jobs.
            wakeIfWork()
          end
          -- With its result, as `EndedJob` reads it, unless that is large: every API hears it, and one has use for it.
          local result = target == 'completed' and value or ARGV[7]
          if ARGV[8] ~= '' or #result > 16384 then result = '' end
          call('PUBLISH', finishedChannel, #id .. ' ' .. id .. result)
        end
        """#
}
