extension Script {
    /// Where in the line a job goes whose owner takes turns with others: behind the last of its owner's, and then behind
    /// one job of each other owner. Jobs of nobody's count as one owner's.
    ///
    /// Looks at one job more than there are owners with jobs in the line.
    static let turnStep = #"""
        local function takeTurn(id, owner)
          local list = line()
          -- The next one to be taken is at the right end.
          local index = call('LLEN', list) - 1
          local last = call('ZREVRANGEBYSCORE', jobsOf(owner), '+inf', '(0', 'LIMIT', 0, 1)[1]
          local found = last and call('LPOS', list, last)
          if found then index = found - 1 end
          local seen = {}
          while index >= 0 do
            local first = math.max(0, index - 31)
            local ids = call('LRANGE', list, first, index)
            for position = #ids, 1, -1 do
              local other = call('HGET', prefix .. ids[position], 'owner') or ''
              if other == owner then
                -- One that was given back, or put off: the turn is after that one.
                seen = {}
              elseif seen[other] then
                call('LINSERT', list, 'AFTER', ids[position], id)
                return
              else
                seen[other] = true
              end
            end
            index = first - 1
          end
          call('LPUSH', list, id)
        end
        """#
}
