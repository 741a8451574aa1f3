extension Script {
    /// Finishes an active job under its lock.
    ///
    /// `ARGV[3]` id, `[4]` token, the rest as `finishStep` has it. Answers 0, or, as BullMQ: -1 no such job, -2 no lock,
    /// -3 not active, -4 children that are not finished, -6 somebody else's lock, -9 children that failed. A call that is
    /// repeated because its answer got lost finds its own number.
    static let finish = Script(
        name: "finish", parts: [finishStep],
        body: #"""
            local id, key = ARGV[3], prefix .. ARGV[3]
            if call('HGET', key, 'once') == ARGV[14] then return 0 end
            if call('EXISTS', key) == 0 then return -1 end
            if ARGV[5] == 'completed' then
              if call('SCARD', key .. ':dependencies') ~= 0 then return -4 end
              if call('ZCARD', key .. ':unsuccessful') ~= 0 then return -9 end
            end
            local problem = lockProblem(id, ARGV[4])
            if problem < 0 then return problem end
            if call('LREM', active, -1, id) < 1 then return -3 end
            unlock(id)
            finish(id, 'active')
            return 0
            """#)
}
