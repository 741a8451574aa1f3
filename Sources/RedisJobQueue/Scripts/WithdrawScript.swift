extension Script {
    /// Finishes a job that nobody runs: cancelled, expired, or stalled too often. Of one that runs, the cancellation is
    /// noted in its hash and said on the control channel.
    ///
    /// `ARGV[3]` id, `[4]` why: `cancel`, `clear` (if it still waits), `expire` or `defer`, the rest as `finishStep` has it.
    /// Answers 0 finished, 1 running and told, 2 finished before, 3 nothing to do any more, -1 no such job.
    static let withdraw = Script(
        name: "withdraw", parts: [finishStep],
        body: #"""
            local id, why, key = ARGV[3], ARGV[4], prefix .. ARGV[3]
            if call('HGET', key, 'once') == ARGV[14] then return 0 end
            local state = call('HMGET', key, 'name', 'finishedOn', 'ats', 'defa')
            if not state[1] or state[2] then
              call('ZREM', expiry, id)
              return state[1] and 2 or -1
            end
            -- One that was begun once is not dropped for its age any more.
            if why == 'expire' and number(state[3]) > 0 then
              call('ZREM', expiry, id)
              return 3
            end
            if why == 'defer' and not state[4] then return 3 end
            local removed = call('LREM', wait, -1, id)
            if removed == 0 then removed = call('LREM', paused, -1, id) end
            if removed == 0 then removed = call('ZREM', prioritized, id) end
            if removed == 0 then removed = call('ZREM', delayed, id) end
            if removed > 0 then
              finish(id, 'waiting')
              return 0
            end
            if why == 'cancel' then
              call('HSET', key, 'cancel', 1)
              call('PUBLISH', controlChannel, id)
              return 1
            end
            if why == 'expire' then call('ZREM', expiry, id) end
            return 3
            """#)
}
