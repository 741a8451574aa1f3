extension Script {
    /// The names of all keys, and the steps that several scripts share.
    ///
    /// BullMQ's own scripts differ between its versions, the layout below them does not: these touch the layout alone.
    static let prelude = #"""
        local call = redis.call
        local wait, active, prioritized, delayed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
        local completed, failed, paused, events = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
        local meta, marker, stalled, stalledCheck = KEYS[9], KEYS[10], KEYS[11], KEYS[12]
        local priorityCounter, idCounter, limiter = KEYS[13], KEYS[14], KEYS[15]
        -- Ours: the unfinished jobs that we added with the size of each, and their sum; when they expire; the finished
        -- ones that we keep with the size of each, and their sum.
        local open, openBytes, expiry, kept, keptSizes, keptBytes =
            KEYS[16], KEYS[17], KEYS[18], KEYS[19], KEYS[20], KEYS[21]
        local finishedChannel, controlChannel, workers = KEYS[22], KEYS[23], KEYS[24]
        -- And how many jobs left the line since it was last empty.
        local drain = KEYS[25]
        -- And the owners of jobs. Each has a set of its own of those that are not finished: the score of one that waits is
        -- above 0 and grows with the order in which they came, of one that runs it is 0.
        local owners = KEYS[26]
        local prefix, now = ARGV[1], tonumber(ARGV[2])

        -- A field that may be missing, or hold anything: a script that stops halfway would leave a job nowhere.
        local function number(value)
          return tonumber(value or 0) or 0
        end

        -- Nothing of ours stays in a Redis that nobody uses any more.
        local function touch(...)
          for _, key in ipairs({...}) do call('PEXPIRE', key, 604800000) end
        end

        local function emit(...)
          local most = tonumber(call('HGET', meta, 'opts.maxLenEvents') or '') or 10000
          call('XADD', events, 'MAXLEN', '~', most, '*', 'event', ...)
        end

        -- Whether nothing may be taken: paused, or as many active as there may be.
        local function isHeld()
          local set = call('HMGET', meta, 'paused', 'concurrency')
          if set[1] then return true end
          return set[2] and call('LLEN', active) >= (tonumber(set[2]) or math.huge)
        end

        -- BullMQ 5 renames `wait` to `paused` when it pauses and back, over whatever `wait` holds, when it resumes. What
        -- goes into the line while it is paused must therefore go where that version expects it; version 6 finds it there.
        local function line()
          if call('HEXISTS', meta, 'paused') == 0 then return wait end
          local version = call('HGET', meta, 'version') or ''
          if call('EXISTS', paused) == 1 or string.match(version, '^bullmq:[1-5]%.') then return paused end
          return wait
        end

        -- Everything of one list to the old end of another, whose jobs come after it. In pieces: arguments are limited.
        local function moveAll(from, to)
          if from == to or call('EXISTS', from) == 0 then return end
          if call('EXISTS', to) == 0 then
            call('RENAME', from, to)
            return
          end
          repeat
            local ids = call('LRANGE', from, 0, 4999)
            if #ids > 0 then
              call('RPUSH', to, unpack(ids))
              call('LTRIM', from, #ids, -1)
            end
          until #ids == 0
        end

        -- Wakes one worker, whosoever.
        local function wake()
          if not isHeld() then call('ZADD', marker, 0, '0') end
        end

        local function wakeIfWork()
          if call('LLEN', wait) > 0 or call('ZCARD', prioritized) > 0 then wake() end
        end

        -- When the next delayed job is due, in milliseconds, or false.
        local function nextDelayed()
          local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
          return first[2] and math.floor(tonumber(first[2]) / 4096)
        end

        local function priorityScore(priority)
          return priority * 4294967296 + call('INCR', priorityCounter) % 4294967296
        end

        -- Into `delayed`, behind those that are due in the same millisecond.
        local function putOff(id, delay)
          local due = now + delay
          local low, high = due * 4096, due * 4096 + 4095
          local last = call('ZREVRANGEBYSCORE', delayed, string.format('%.0f', high), string.format('%.0f', low),
            'WITHSCORES', 'LIMIT', 0, 1)
          local score = last[2] and math.min(tonumber(last[2]) + 1, high) or low
          call('ZADD', delayed, string.format('%.0f', score), id)
          emit('delayed', 'jobId', id, 'delay', string.format('%.0f', due))
          call('ZADD', marker, nextDelayed(), '1')
        end

        -- 0, or why `token` does not hold the job: -2 no lock, -6 somebody else's.
        local function lockProblem(id, token)
          local holder = call('GET', prefix .. id .. ':lock')
          if holder == token then return 0 end
          return holder and -6 or -2
        end

        local function unlock(id)
          call('DEL', prefix .. id .. ':lock')
          call('SREM', stalled, id)
        end

        local function removeJob(id)
          local key = prefix .. id
          call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
            key .. ':failed', key .. ':unsuccessful', prefix .. 'bh:live:' .. id, prefix .. 'bh:input:' .. id)
        end

        -- A line in the job's log, for people: why an attempt came to nothing. Never more than a hundred, or what the
        -- producer wants kept, which BullMQ knows as `kl`.
        local function log(id, text)
          local key = prefix .. id
          local fields = call('HMGET', key, 'ats', 'pb', 'opts')
          local isRead, opts = pcall(cjson.decode, fields[3] or '{}')
          local most = isRead and type(opts) == 'table' and tonumber(opts.kl or opts.keepLogs) or 100
          local who = fields[2] and 'attempt ' .. (fields[1] or '1') .. ' by ' .. fields[2] .. ': ' or ''
          call('RPUSH', key .. ':logs', who .. text)
          call('LTRIM', key .. ':logs', -math.max(1, math.min(math.floor(most), 100)), -1)
        end

        local function forgetSize(sizes, sum, id)
          local size = call('HGET', sizes, id)
          if size then
            call('HDEL', sizes, id)
            call('DECRBY', sum, size)
          end
        end

        -- As `DrainRate` in memory: a job came into a line of so many, and a job was taken out of it.
        local function countAdded(waiting)
          if waiting > 0 then return end
          call('DEL', drain)
          call('HSET', drain, 'since', ARGV[2])
          touch(drain)
        end

        local function countTaken()
          if call('LLEN', wait) == 0 and call('ZCARD', prioritized) == 0 then
            call('DEL', drain)
            return
          end
          call('HSETNX', drain, 'since', ARGV[2])
          local taken = tonumber(call('HINCRBYFLOAT', drain, 'taken', 1))
          local elapsed = now - number(call('HGET', drain, 'since'))
          if elapsed > 60000 then
            call('HSET', drain, 'since', string.format('%.0f', now - 30000), 'taken',
              string.format('%.3f', taken * 30000 / elapsed))
          end
          touch(drain)
        end

        -- How many were taken within how many milliseconds.
        local function drained()
          local fields = call('HMGET', drain, 'since', 'taken')
          return math.floor(number(fields[2])), fields[1] and math.max(0, now - number(fields[1])) or 0
        end

        local function jobsOf(owner) return prefix .. 'bh:of:' .. owner end

        -- A job that ran or was put down waits again, before those of its owner that came later.
        local function waitsAgain(id)
          local owner = call('HGET', prefix .. id, 'owner')
          if owner then call('ZADD', jobsOf(owner), 'XX', 1, id) end
        end

        -- The key of the idempotency key under which a job was added, while it is that job's; else false.
        local function keyOf(id)
          local name = call('HGET', prefix .. id, 'key')
          name = name and prefix .. 'bh:key:' .. name
          return name and call('GET', name) == id and name
        end

        -- Drops finished jobs of ours, the oldest first, until those that are left are young, few and small enough.
        local function trimKept(milliseconds, most, mostBytes)
          for _ = 1, 200 do
            local oldest = call('ZRANGE', kept, 0, 0, 'WITHSCORES')
            local id = oldest[1]
            if not id then return end
            local fits = call('ZCARD', kept) <= most and number(call('GET', keptBytes)) <= mostBytes
            if fits and tonumber(oldest[2]) + milliseconds > now then return end
            call('ZREM', kept, id)
            forgetSize(keptSizes, keptBytes, id)
            -- In neither where a client of BullMQ's removed the job or had it tried again.
            if call('ZREM', completed, id) + call('ZREM', failed, id) > 0 then
              local name = keyOf(id)
              if name then call('DEL', name) end
              removeJob(id)
              call('DEL', prefix .. 'bh:result:' .. id)
            end
          end
        end
        """#
}
