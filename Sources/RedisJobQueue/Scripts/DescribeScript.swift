extension Script {
    /// What is needed to make a result for a job that nobody runs.
    ///
    /// `ARGV[3]` id, `[4]` the most bytes of data. Answers nothing for an unknown job, else {timestamp, ats, opts, cancel,
    /// data, request's id, owner's name}.
    static let describe = Script(
        name: "describe",
        body: #"""
            local key = prefix .. ARGV[3]
            local fields = call('HMGET', key, 'timestamp', 'ats', 'opts', 'cancel', 'rid', 'ownerName')
            if not fields[1] then return {} end
            local data = call('HSTRLEN', key, 'data') <= tonumber(ARGV[4]) and call('HGET', key, 'data')
            return {fields[1], fields[2], fields[3], fields[4], data, fields[5], fields[6]}
            """#)
}
