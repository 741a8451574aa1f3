extension Script {
    /// Answers how many entries were wrong.
    static let reconcile = Script(name: "reconcile", parts: [reconcileStep], body: "return reconcile()")

    /// Brings our own books in line with what clients of BullMQ's did to our jobs: finished or removed them.
    ///
    /// Its work is bounded by the number of jobs that may wait.
    static let reconcileStep = #"""
        local function reconcile()
          local entries, sum, wrong = call('HGETALL', open), 0, 0
          for index = 1, #entries, 2 do
            local id, key = entries[index], prefix .. entries[index]
            local state = call('HMGET', key, 'name', 'finishedOn')
            if state[1] and not state[2] then
              sum = sum + tonumber(entries[index + 1])
            else
              wrong = wrong + 1
              call('HDEL', open, id)
              call('ZREM', expiry, id)
              if state[1] then
                local size = call('HSTRLEN', key, 'returnvalue') + call('HSTRLEN', key, 'result')
                call('ZADD', kept, state[2], id)
                if call('HSETNX', keptSizes, id, size) == 1 then call('INCRBY', keptBytes, size) end
              end
            end
          end
          for _, owner in ipairs(call('SMEMBERS', owners)) do
            for _, id in ipairs(call('ZRANGE', jobsOf(owner), 0, -1)) do
              local state = call('HMGET', prefix .. id, 'name', 'finishedOn')
              if not state[1] or state[2] then
                wrong = wrong + 1
                call('ZREM', jobsOf(owner), id)
              elseif call('EXISTS', prefix .. id .. ':lock') == 1 then
                call('ZADD', jobsOf(owner), 'XX', 0, id)
              end
            end
            if call('EXISTS', jobsOf(owner)) == 0 then call('SREM', owners, owner) end
          end
          call('SET', openBytes, sum)
          touch(open, openBytes, expiry, kept, keptSizes, keptBytes)
          return wrong
        end
        """#
}
