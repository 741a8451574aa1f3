extension Script {
    /// Whether a worker of ours has nothing to do and takes what is added now: that then does not wait, and is bound by nothing
    /// that bounds what waits.
    ///
    /// Slots of the workers that live, less what runs. It is looked at only where somebody would be refused.
    static let idleStep = #"""
        local function isTakenAtOnce()
          if isHeld() then return false end
          local slots = 0
          for _, worker in ipairs(call('ZRANGE', workers, 0, 999)) do
            local text = call('GET', prefix .. 'bh:worker:' .. worker)
            slots = slots + number(text and string.match(text, '"slots":(%d+)'))
          end
          return call('LLEN', wait) + call('ZCARD', prioritized) + call('LLEN', active) < slots
        end
        """#
}
