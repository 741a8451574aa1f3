extension Script {
    /// Finds active jobs whose lock is gone and puts them back to the front of the line, as BullMQ does: `stc`, `defa` once
    /// it is too often, events `waiting` and `stalled`, the suspects of the next round in `stalled`.
    ///
    /// BullMQ looks twice before it believes, because it once took and locked in two steps. Every version that shares this
    /// layout does it in one, so one look suffices.
    ///
    /// `ARGV[3]` how often a job may stall, `[4]` 1 to look even if somebody just has, `[5]` milliseconds between two
    /// sweeps. Answers the ids found, each followed by 1 where the job is to be failed or cancelled.
    static let sweep = Script(
        name: "sweep",
        body: #"""
            -- A worker of BullMQ's may have set the key for longer than our own interval.
            local left, interval = call('PTTL', stalledCheck), tonumber(ARGV[5])
            if ARGV[4] ~= '1' and left > 0 and left <= interval then return {} end
            call('SET', stalledCheck, ARGV[2], 'PX', interval)
            call('DEL', stalled)
            local found, suspects = {}, 0
            for _, id in ipairs(call('LRANGE', active, 0, 9999)) do
              local key = prefix .. id
              if call('EXISTS', key .. ':lock') == 1 then
                call('SADD', stalled, id)
              elseif call('LREM', active, 1, id) > 0 and call('EXISTS', key) == 1 then
                log(id, 'stalled: its worker was heard of no more')
                local times = call('HINCRBY', key, 'stc', 1)
                local isOver = call('HEXISTS', key, 'cancel') == 1
                -- A scheduler makes its next job when this one ends; BullMQ never fails those for stalling.
                local isRepeated = call('HEXISTS', key, 'rjk') == 1
                if times > tonumber(ARGV[3]) and not isRepeated then isOver = true end
                if isOver then call('HSET', key, 'defa', 'job stalled more than allowable limit') end
                call('RPUSH', line(), id)
                waitsAgain(id)
                emit('waiting', 'jobId', id, 'prev', 'active')
                emit('stalled', 'jobId', id)
                found[#found + 1] = id
                found[#found + 1] = isOver and 1 or 0
              end
            end
            if #found > 0 then wake() end
            return found
            """#)
}
