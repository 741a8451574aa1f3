import ArgumentParser
import Foundation
import Isolation
import Jobs
import Linux
import Worker

/// The process in which `bulkhead bench` has its engine. It reads requests from its standard input, and ends with that.
struct BenchEngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-engine", abstract: "The engine's side of `bulkhead bench`.", shouldDisplay: false)

    @OptionGroup var engine: EngineOptions

    @Option var slots: Int

    @Option(help: "The images to open, with commas between them.")
    var images: String

    @Option(help: "Bytes for what is started ahead.")
    var aheadMemory = 0

    mutating func run() throws {
        let names = images.split(separator: ",").map(String.init)
        let running = try RunningEngine.start(
            engine, images: names, slots: slots, aheadMemory: aheadMemory,
            onFailure: { error in
                note("\(error)")
                Foundation.exit(1)
            }, onAheadFailure: { note("not started ahead: \($0)") })
        try runToEnd {
            let side = EngineSide(running: running)
            // Nothing else wants this thread while it waits for a line.
            while let line = readLine() {
                var reply: EngineExchange.Reply
                var isLast = false
                do {
                    let request = try JSONDecoder().decode(EngineExchange.Request.self, from: Data(line.utf8))
                    if case .end = request { isLast = true }
                    reply = try await side.answer(request)
                } catch {
                    reply = EngineExchange.Reply(error: "\(error)")
                }
                try FileHandle.standardOutput.write(contentsOf: try JSONEncoder().encode(reply) + Data("\n".utf8))
                if isLast { return }
            }
            await running.engine.shutDown()
        }
    }
}

/// Answers the requests of `bulkhead bench`, one after the other.
private actor EngineSide {
    private let running: RunningEngine
    private var programs: [String: SandboxConfiguration] = [:]

    init(running: RunningEngine) { self.running = running }

    func answer(_ request: EngineExchange.Request) async throws -> EngineExchange.Reply {
        var reply = EngineExchange.Reply()
        switch request {
        case .prepare(let name):
            let program = try await prepare(name)
            programs[name] = program
            reply.files = program.files.map {
                .init(path: $0.path, contents: Data($0.contents), isExecutable: $0.isExecutable)
            }
        case .run(let name, let times, let pause):
            let program = try self.program(name)
            for _ in 0..<times {
                try await Task.sleep(for: .milliseconds(pause))
                reply.runs.append(try await run(program))
            }
        case .runParkedThenCold(let name, let pause):
            let program = try self.program(name)
            try await Task.sleep(for: .milliseconds(pause))
            reply.runs.append(try await run(program))
            // Both slots of its kind are at work after this, for these two end together.
            var filler = program
            (filler.arguments, filler.files) = (Self.exit.arguments, Self.exit.files)
            _ = try await runMany(filler, jobs: 2, atOnce: 2)
            reply.runs.append(try await run(program))
        case .runThenWait(let name, let pause):
            reply.runs.append(try await run(try program(name)))
            try await Task.sleep(for: .milliseconds(pause))
        case .load(let name, let atOnce, let milliseconds):
            let program = try self.program(name)
            // Their slots are open then.
            _ = try await runMany(program, jobs: 3 * atOnce, atOnce: atOnce)
            reply.perSecond = try await rate(of: program, atOnce: atOnce, for: milliseconds)
        case .endure(let name, let jobs, let atOnce):
            let program = try self.program(name)
            let before = try await settledFootprint()
            let start = MonotonicClock.now
            reply.runs = try await runMany(program, jobs: jobs, atOnce: atOnce)
            reply.perSecond = Double(jobs) * 1e9 / Double(MonotonicClock.now - start)
            reply.findings = try await settledFootprint().growth(since: before)
        case .warmUp(let slots):
            try await running.engine.warmUp(slots: slots)
        case .end:
            await running.engine.shutDown()
            reply.findings = try running.engine.footprint().leftovers
        }
        return reply
    }

    private func program(_ name: String) throws -> SandboxConfiguration {
        guard let program = programs[name] else { throw IsolationError(.host, "\(name) is not prepared") }
        return program
    }

    private static let exit = SandboxConfiguration(
        arguments: ["/box/exit"], files: [.init(path: "exit", contents: ExitProgram.file, isExecutable: true)],
        limits: Limits.standard.resources, outputLimit: 1_024)

    private func prepare(_ name: String) async throws -> SandboxConfiguration {
        if name == BenchLanguage.exit { return Self.exit }
        guard let language = running.languages.all.first(where: { $0.name == name }).flatMap(BenchLanguage.init) else {
            throw IsolationError(.host, "no image is for \(name)")
        }
        return try language.configuration(try await language.files(in: running), in: running)
    }

    /// Outside of the actor: what is measured does not wait for it.
    private nonisolated func run(_ program: SandboxConfiguration) async throws -> EngineExchange.Run {
        let start = MonotonicClock.now
        let outcome = try await running.engine.run(program)
        let microseconds = Double(MonotonicClock.now - start) / 1_000
        guard outcome.ending == .exited(0) else {
            throw IsolationError(
                .host,
                "the program ended with \(outcome.ending): "
                    + String(decoding: outcome.standardError.bytes.prefix(500), as: UTF8.self))
        }
        return .init(microseconds: microseconds, start: outcome.start.rawValue)
    }

    private nonisolated func rate(
        of program: SandboxConfiguration, atOnce: Int, for milliseconds: Int
    ) async throws -> Double {
        let start = MonotonicClock.now
        let end = start + UInt64(milliseconds) * 1_000_000
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<atOnce {
                group.addTask {
                    var count = 0
                    while MonotonicClock.now < end {
                        _ = try await self.run(program)
                        count += 1
                    }
                    return count
                }
            }
            var sum = 0
            for try await count in group { sum += count }
            return sum
        }
        return Double(count) * 1e9 / Double(MonotonicClock.now - start)
    }

    /// - Returns: the first and the last 1,000 runs as they ended, or all where there are fewer.
    private nonisolated func runMany(
        _ program: SandboxConfiguration, jobs: Int, atOnce: Int
    ) async throws -> [EngineExchange.Run] {
        try await withThrowingTaskGroup(of: EngineExchange.Run.self) { group in
            var first: [EngineExchange.Run] = []
            var last: [EngineExchange.Run] = []
            for _ in 0..<min(atOnce, jobs) { group.addTask { try await self.run(program) } }
            var begun = min(atOnce, jobs)
            while let run = try await group.next() {
                if begun < jobs {
                    group.addTask { try await self.run(program) }
                    begun += 1
                }
                if first.count < 1_000 { first.append(run) } else { last.append(run) }
                // Forgotten in bulk, which costs less.
                if last.count == 4_000 { last.removeFirst(3_000) }
            }
            return first + last.suffix(1_000)
        }
    }

    /// Counted once every slot has its next sandbox parked.
    private func settledFootprint() async throws -> Footprint {
        var footprint = try running.engine.footprint()
        for _ in 0..<40 {
            try await Task.sleep(for: .milliseconds(100))
            let next = try running.engine.footprint()
            if next.rows == footprint.rows { return next }
            footprint = next
        }
        return footprint
    }
}
