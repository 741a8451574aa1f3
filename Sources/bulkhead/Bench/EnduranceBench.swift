import Measurement

/// Whether many sandboxes leave anything behind, or make the later ones slower.
extension BenchRun {
    /// - Parameter jobs: how many sandboxes.
    /// - Returns: what was found, and whether nothing was left of them.
    /// - Throws: `IsolationError`.
    func endurance(jobs: Int) throws -> (section: BenchReport.Section, isClean: Bool) {
        progress("endurance: \(jobs) sandboxes, \(plan.cores) at once")
        let slots = 2 * plan.cores
        let engine = try EngineProcess(options, images: ["default"], slots: slots)
        _ = try engine.ask(.warmUp(slots: slots))
        _ = try engine.ask(.prepare(program: BenchLanguage.exit))
        // Pages that the first jobs touch are no growth.
        _ = try engine.ask(.endure(program: BenchLanguage.exit, jobs: 1_000, atOnce: plan.cores))
        let bareBefore = try bareSpawns()
        let before = try ProcessFamily.memory(of: engine.child.pid)
        let reply = try engine.ask(.endure(program: BenchLanguage.exit, jobs: jobs, atOnce: plan.cores))
        let after = try ProcessFamily.memory(of: engine.child.pid)
        let bareAfter = try bareSpawns()
        let left = try engine.end()
        let most = min(1_000, reply.runs.count / 2)
        func row(_ name: String, _ runs: some Sequence<EngineExchange.Run>) -> BenchReport.Row {
            .init(name: name, wall: Distribution(runs.map(\.microseconds)))
        }
        func memory(_ name: String, _ use: (bytes: Int, processes: Int)) -> BenchReport.Row {
            .init(
                name: name,
                figures: [.init("MiB", Double(use.bytes) / Double(1 << 20)), .init("processes", Double(use.processes))])
        }
        let first = row("the first \(most)", reply.runs.prefix(most))
        let last = row("the last \(most)", reply.runs.suffix(most))
        var notes = [
            "\(jobs) sandboxes of the static program, \(plan.cores) at once, "
                + "\(BenchReport.Section.perSecond(reply.perSecond ?? 0)) per second, after 1,000 that do not count.",
            "Memory: PSS of the engine's process, its launcher and \(slots) slots with a parked sandbox each.",
        ]
        if let start = first.wall?.p50, let end = last.wall?.p50, let bareBefore, let bareAfter {
            notes.append(
                "The last p50 is \(BenchReport.Section.percent(end / start - 1)) off the first; that of a bare spawn, which "
                    + "the machine alone changes, is \(BenchReport.Section.percent(bareAfter.p50 / bareBefore.p50 - 1)) off."
            )
        }
        notes.append(
            reply.findings.isEmpty
                ? "No more processes, control groups, mounts, descriptors or threads than before."
                : "More than before: \(reply.findings.joined(separator: "; "))")
        notes.append(
            left.isEmpty
                ? "After the engine's end: nothing left of them."
                : "Left after the engine's end: \(left.joined(separator: "; "))")
        return (
            .init(
                title: "After many sandboxes", command: "sudo bulkhead bench --endurance \(jobs)",
                rows: [
                    .init(name: "bare spawn before", wall: bareBefore), first, last,
                    .init(name: "bare spawn after", wall: bareAfter), memory("memory before", before),
                    memory("memory after", after),
                ], notes: notes),
            reply.findings.isEmpty && left.isEmpty
        )
    }

    /// What the machine itself does meanwhile.
    private func bareSpawns() throws -> Distribution? {
        let program = SpawnedProgram([host.exitProgram])
        return Distribution(try (0..<1_000).map { _ in try program.run() })
    }
}
