extension Script {
    /// Puts a worker's announcement under a key of its own that ends by the server's time, and its id in the list of all.
    ///
    /// `ARGV[3]` id, `[4]` text, or empty to take it back, `[5]` for how many milliseconds.
    static let announce = Script(
        name: "announce",
        body: #"""
            local key = prefix .. 'bh:worker:' .. ARGV[3]
            if ARGV[4] == '' then
              call('DEL', key)
              call('ZREM', workers, ARGV[3])
            else
              call('SET', key, ARGV[4], 'PX', ARGV[5])
              call('ZADD', workers, 'NX', ARGV[2], ARGV[3])
              touch(workers)
            end
            return 0
            """#)

    /// The announcements of all workers that live, the oldest worker first. Forgets those that do not.
    static let workers = Script(
        name: "workers",
        body: #"""
            local found = {}
            for _, id in ipairs(call('ZRANGE', workers, 0, 999)) do
              local text = call('GET', prefix .. 'bh:worker:' .. id)
              if text then found[#found + 1] = text else call('ZREM', workers, id) end
            end
            return found
            """#)
}
