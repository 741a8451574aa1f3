extension Script {
    /// What there is to know of a job, without its request.
    ///
    /// `ARGV[3]` id, `[4]`, `[5]`, `[6]` how long, how many and how many bytes of finished jobs are kept. Answers nothing for
    /// an unknown job, else {state, timestamp, processedOn, finishedOn, ats, failedReason, result, owner}, state being one of
    /// `queued`, `running`, `completed`, `failed`, and result the whole one if it is still there.
    static let look = Script(
        name: "look",
        body: #"""
            trimKept(tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]))
            local id, key = ARGV[3], prefix .. ARGV[3]
            local fields = call('HMGET', key, 'timestamp', 'processedOn', 'finishedOn', 'ats', 'failedReason', 'owner')
            if not fields[1] then return {} end
            local state, result = 'queued', false
            if fields[3] then
              state = call('ZSCORE', failed, id) and 'failed' or 'completed'
              result = call('GET', prefix .. 'bh:result:' .. id)
                or call('HGET', key, state == 'failed' and 'result' or 'returnvalue')
            elseif call('LPOS', active, id) then
              state = 'running'
            end
            return {state, fields[1], fields[2], fields[3], fields[4], fields[5], result, fields[6]}
            """#)
}
