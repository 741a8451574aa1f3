import Foundation
import Isolation
import Jobs
import Linux
import Measurement

/// The whole path: a client's request over HTTP, the queue, a worker, a sandbox, and back; with the embedded queue and with
/// Redis. Real processes on loopback, as an operator starts them.
extension BenchRun {
    /// A service and all processes that belong to it.
    private struct Path {
        var name: String
        var port: Int
        var services: [BenchService]

        var cpuTime: UInt64 { get throws { try services.reduce(0) { $0 + (try $1.cpuTime) } } }
    }

    /// What is asked for.
    private struct Job {
        var name: String
        /// The same bare; nil where that says nothing.
        var bare: SpawnedProgram?
        var clients: [BenchChild] = []
        /// By path.
        var latencies: [[Double]] = []
    }

    /// Milliseconds between the requests of the open loop.
    private static let interval = 100
    /// Requests in a row to one path before it is the other's turn.
    private static let stretch = 10

    /// - Parameter requests: of the open loop, for each kind of job on each path.
    /// - Returns: the open loop, the closed one, and the memory before them.
    /// - Throws: `IsolationError` where a service does not come up, or answers with anything but a job that ran.
    func httpPaths(requests: Int) throws -> [BenchReport.Section] {
        progress("HTTP: starting services")
        var environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("REDIS_") && !$0.key.hasPrefix("BULKHEAD_") && $0.key != "PORT"
        }
        environment["BULKHEAD_POLICIES"] = try options.policyFolder()
        environment["BULKHEAD_LAUNCHER"] = try options.launcherPath()
        environment["BULKHEAD_STATE_DIR"] = host.stateDirectory
        let redis = try BenchService.redis(in: host.folder)
        var shared = environment
        shared["REDIS_URL"] = "redis://127.0.0.1:\(redis.port)"
        let programs = try copiedPrograms()
        shared["BULKHEAD_LAUNCHER"] = programs.launcher
        let worker = try BenchService.bulkhead(
            "worker", [programs.bulkhead, "worker"], environment: shared, in: host.folder)
        let api = try BenchService.bulkhead(
            "api", [programs.bulkhead, "api", "--port", "0"], environment: shared, in: host.folder)
        // Images are read ahead and slots parked by then.
        usleep(3_000_000)
        let memory = try idleMemory(api: api, worker: worker, redis: redis)
        let serve = try BenchService.bulkhead(
            "serve", [Installation.executable, "serve", "--port", "0"], environment: environment, in: host.folder)
        let paths = [
            Path(name: "embedded", port: serve.port, services: [serve]),
            Path(name: "Redis", port: api.port, services: [api, worker, redis]),
        ]
        var jobs = try httpJobs()
        for job in jobs.indices {
            jobs[job].clients = try paths.map { try client($0, jobs[job].name) }
            jobs[job].latencies = paths.map { _ in [] }
            for client in jobs[job].clients { _ = try samples(client, "closed \(plan.cores) 500") }
        }
        progress("HTTP: open loop")
        for _ in 0..<max(1, requests / Self.stretch) {
            for job in jobs.indices {
                for path in paths.indices {
                    jobs[job].latencies[path] += try samples(
                        jobs[job].clients[path], "open \(min(requests, Self.stretch)) \(Self.interval * 1_000)"
                    ).latencies
                }
            }
        }
        let open = openLoop(jobs, paths, requests: requests)
        progress("HTTP: closed loop")
        let closed = try closedLoop(jobs, paths)
        for job in jobs { for client in job.clients { client.stop() } }
        for service in [api, worker, serve, redis] { service.child.stop() }
        return [open, closed, memory]
    }

    /// Copies of the programs: the bench's own processes run the same ones, and would share their memory.
    private func copiedPrograms() throws -> (bulkhead: String, launcher: String) {
        let programs = (bulkhead: "\(host.folder)/bulkhead", launcher: "\(host.folder)/bulkhead-launcher")
        do {
            try FileManager.default.copyItem(atPath: Installation.executable, toPath: programs.bulkhead)
            try FileManager.default.copyItem(atPath: try options.launcherPath(), toPath: programs.launcher)
        } catch {
            throw IsolationError(.host, "cannot copy the programs to \(host.folder): \(error)")
        }
        return programs
    }

    private func httpJobs() throws -> [Job] {
        var jobs = [Job(name: BenchLanguage.exit)]
        jobs[0].bare = SpawnedProgram([host.exitProgram])
        for language in host.languages where ["javascript", "python", "c"].contains(language.language.name) {
            jobs.append(
                Job(name: language.language.name, bare: language.isCompiled ? nil : try self.bare(language)))
        }
        return jobs
    }

    /// Microseconds of CPU time that one run takes.
    private func cpu(of program: SpawnedProgram) throws -> Double {
        let runs = 20
        _ = try program.run()
        let before = SpawnedProgram.cpuTime
        for _ in 0..<runs { _ = try program.run() }
        return Double(SpawnedProgram.cpuTime - before) / 1_000 / Double(runs)
    }

    private func client(_ path: Path, _ job: String) throws -> BenchChild {
        let body = "\(host.folder)/\(job).json"
        let request: JSONValue = .object([
            "language": .string(job), "code": .string(BenchLanguage.sources[job] ?? "exit"),
        ])
        try BenchHost.write(Data(request.serialized()), to: body)
        return try BenchChild(
            "bulkhead-bench-tool http", [try Installation.benchTool(), "http", "\(path.port)", body])
    }

    private func samples(_ client: BenchChild, _ command: String) throws -> (seconds: Double, latencies: [Double]) {
        let numbers = try client.ask(command).split(separator: " ").compactMap { Double($0) }
        guard numbers.count > 1 else { throw IsolationError(.host, "\(client.name) answers nothing") }
        return (numbers[0] / 1e9, numbers.dropFirst().map { $0 / 1_000 })
    }

    private func openLoop(_ jobs: [Job], _ paths: [Path], requests: Int) -> BenchReport.Section {
        var rows: [BenchReport.Row] = []
        var notes = [
            "One request every \(Self.interval) ms, \(Self.stretch) to one path over one connection and then to the other; "
                + "each time counts from when the request was due. exit: a language of the bench's own, whose programs are the "
                + "static one of one system call. The others are hello world.",
            "embedded: bulkhead serve. Redis: bulkhead api, bulkhead worker and redis-server with appendfsync everysec.",
        ]
        for job in jobs {
            for (path, latencies) in zip(paths, job.latencies) {
                rows.append(.init(name: "\(job.name), \(path.name)", wall: Distribution(latencies)))
            }
            if let embedded = Distribution(job.latencies[0])?.p50, let redis = Distribution(job.latencies[1])?.p50 {
                notes.append(
                    "\(job.name): \(BenchReport.Section.time(redis - embedded)) from the embedded queue to Redis (p50)."
                )
            }
        }
        return .init(
            title: "Over HTTP, one request every \(Self.interval) ms", command: "sudo bulkhead bench --http",
            rows: rows,
            notes: notes)
    }

    private func closedLoop(_ jobs: [Job], _ paths: [Path]) throws -> BenchReport.Section {
        var rows: [BenchReport.Row] = []
        for job in jobs {
            let first = rows.count
            let cpuBefore = try job.bare.map(cpu)
            for (index, path) in paths.enumerated() {
                var row = BenchReport.Row(name: "\(job.name), \(path.name)")
                var busiest: [Double] = []
                for clients in plan.loads {
                    let before = try path.cpuTime
                    let kernel = try ProcessFamily.kernelThreads()
                    let (seconds, latencies) = try samples(
                        job.clients[index], "closed \(clients) \(3 * plan.rateTime)")
                    let count = Double(latencies.count)
                    row.rates.append(.init(atOnce: clients, perSecond: count / seconds))
                    row.cpu = ProcessFamily.elapsed(from: before, to: try path.cpuTime) / 1_000 / count
                    row.kernel = Double(try ProcessFamily.kernelTime(since: kernel)) / 1_000 / count
                    busiest = latencies
                }
                row.wall = Distribution(busiest)
                rows.append(row)
            }
            guard let bare = job.bare, let cpuBefore else { continue }
            // The machine's speed drifts: the better of the two.
            let bound = Double(plan.cores) * 1e6 / min(cpuBefore, try cpu(of: bare))
            for index in first..<rows.count { rows[index].figures.append(.init("bound /s", bound.rounded())) }
        }
        return .init(
            title: "Over HTTP, as many as there are answers", command: "sudo bulkhead bench --http", rows: rows,
            notes: [
                "So many clients on connections of their own, each with its next request as soon as it is answered; the client "
                    + "is one small C process on the same cores. Times are those of the most clients.",
                "bound: cores divided by the CPU time of the same program bare (chroot(8) for the interpreters), before or "
                    + "after, whichever was less: what a machine "
                    + "that did nothing else could start. A runtime that is started ahead spends the same, at another time.",
                "CPU: of the service's processes and their sandboxes for one request, without the client's.",
            ])
    }

    private func idleMemory(
        api: BenchService, worker: BenchService, redis: BenchService
    ) throws -> BenchReport.Section {
        func row(_ name: String, _ pids: [Int32]) throws -> BenchReport.Row {
            let uses = try pids.map(ProcessFamily.memory)
            return .init(
                name: name,
                figures: [
                    .init("MiB", Double(uses.reduce(0) { $0 + $1.bytes }) / Double(1 << 20)),
                    .init("processes", Double(uses.reduce(0) { $0 + $1.processes })),
                ])
        }
        let launchers = try ProcessFamily.children(of: worker.child.pid)
        return .init(
            title: "Memory, idle", command: "sudo bulkhead bench --http",
            rows: [
                try row("api + worker + launcher + slots", [api.child.pid, worker.child.pid]),
                try row("of that: api", [api.child.pid]),
                try row("of that: launcher, slots, parked sandboxes", launchers),
                try row("redis-server", [redis.child.pid]),
            ],
            notes: [
                "PSS (/proc/PID/smaps_rollup) of all processes, before the first job, with \(2 * plan.cores) slots and a sandbox "
                    + "parked in each. They run copies of the programs, which nothing else on the machine maps."
            ])
    }
}
