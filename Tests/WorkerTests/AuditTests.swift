import Foundation
import Glibc
import Hashing
import Isolation
import JobQueue
import Jobs
import Logging
import Telemetry
import Testing

@testable import Worker

@Suite("Audit and job metrics", .timeLimit(.minutes(1)))
struct AuditTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs these requests, one after the other, and closes the queue.
    private func run(
        _ requests: [String], _ engine: TableEngine, metrics: JobMetrics, audit: AuditLog?
    ) async throws {
        let queue = EmbeddedJobQueue()
        let worker = WorkerService(
            queue: queue, runner: Samples.runner(engine), name: "here", concurrency: 1, logger: Self.silent,
            metrics: metrics, audit: audit)
        let working = Task { try await worker.run() }
        for (index, request) in requests.enumerated() {
            let job = NewJob(id: "j\(index)", request: Data(request.utf8), requestID: RequestID("trace-\(index)"))
            try await queue.add(job)
            _ = try await queue.result(of: job.id, waitingAtMost: .seconds(30))
        }
        await queue.close()
        // It goes on until it is told to stop.
        working.cancel()
        _ = await working.result
    }

    private func samples(_ metrics: JobMetrics, _ name: String) -> [Family.Sample] {
        metrics.families().first { $0.name == name }?.samples ?? []
    }

    @Test("a line for each job, by hashes; of an invalid request nothing but the hash of the whole")
    func lines() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)").path
        defer { unlink(path) }
        let invalid = #"{"language":"a stranger's word","code":"secret"}"#
        let engine = TableEngine(.outcome(Samples.outcome(output: "secret")))
        try await run(
            [#"{"language":"py","code":"secret","stdin":"in","files":[{"path":"x","content":"abc"}]}"#, invalid],
            engine,
            metrics: JobMetrics(jobs: JobCounter(languages: [Samples.python])),
            audit: try AuditLog(path: path, logger: Self.silent))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains("secret") && !text.contains("stranger"))
        let lines = try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        try #require(lines.count == 2)
        #expect(lines[0]["language"] as? String == "python" && lines[0]["status"] as? String == "ok")
        #expect(lines[0]["request"] as? String == "trace-0" && lines[0]["key"] is NSNull)
        let code = lines[0]["code"] as? [String: Any]
        #expect(code?["sha256"] as? String == SHA256.hex(Array("secret".utf8)) && code?["bytes"] as? Int == 6)
        #expect((lines[0]["files"] as? [[String: Any]])?.compactMap { $0["bytes"] as? Int } == [3])
        #expect(lines[1]["status"] as? String == "internal_error")
        #expect(lines[1]["language"] is NSNull && lines[1]["code"] is NSNull)
        #expect((lines[1]["body"] as? [String: Any])?["sha256"] as? String == SHA256.hex(Array(invalid.utf8)))
    }

    @Test(
        "a compiler that lost a child to the OOM killer has not succeeded, whatever its exit code, and that is counted")
    func compilerOutOfMemory() async throws {
        let metrics = JobMetrics(jobs: JobCounter(languages: [Samples.c]))
        let killed = Samples.report {
            $0.oomKills = 3
            $0.waitStatus = 0
        }
        var outcome = Samples.outcome(killed)
        outcome.files = [.init(path: "main", contents: [1], isExecutable: true)]
        let engine = TableEngine(.outcome(outcome))
        try await run([#"{"language":"c","code":"int main;"}"#], engine, metrics: metrics, audit: nil)
        // No program was run of what such a compiler left.
        #expect(engine.seen.count == 1)
        let jobs = samples(metrics, "bulkhead_jobs_total").filter { $0.value > 0 }
        #expect(jobs.map { $0.labels[1].value } == ["compile_error"])
        #expect(samples(metrics, "bulkhead_job_oom_kills_total").map(\.value) == [3])
    }

    @Test("jobs are counted by what they came to, and a stranger's language is no label")
    func counts() async throws {
        let metrics = JobMetrics(jobs: JobCounter(languages: [Samples.python]))
        let killed = Samples.report {
            $0.oomKills = 2
            $0.fired = []
        }
        let engine = TableEngine(.outcome(Samples.outcome(output: "x")), .outcome(Samples.outcome(killed)))
        try await run(
            [
                #"{"language":"python","code":"1"}"#, #"{"language":"python","code":"2"}"#,
                #"{"language":"cobol","code":"1"}"#,
            ], engine, metrics: metrics, audit: nil)
        // The last may still be counted when its answer is there already; the worker has ended by now.
        let jobs = samples(metrics, "bulkhead_jobs_total")
        #expect(jobs.reduce(0) { $0 + $1.value } == 3)
        let other = jobs.filter { $0.value > 0 && $0.labels[0].value == "other" }
        #expect(other.map { $0.labels[1].value } == ["internal_error"])
        #expect(samples(metrics, "bulkhead_job_oom_kills_total").map(\.value) == [2])
        #expect(!jobs.contains { $0.labels.contains { $0.value == "cobol" } })
        // No program ran for the third: no set-up of zero is counted.
        let setups = samples(metrics, "bulkhead_job_setup_seconds").filter { $0.suffix == "_count" }
        #expect(setups.reduce(0) { $0 + $1.value } == 2)
    }

    @Test("a job that ends in the queue is counted once, under its language's own name, and has a line")
    func endsInTheQueue() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)").path
        defer { unlink(path) }
        let jobs = JobCounter(languages: [Samples.python])
        let records = UnrunRecords(jobs: jobs, audit: try AuditLog(path: path, logger: Self.silent))
        let queue = EmbeddedJobQueue(onUnrun: records.note)
        let request = #"{"language":"py","code":"secret"}"#
        let owner = JobOwner(id: "0", name: "somebody")
        try await queue.add(
            NewJob(id: "j0", request: Data(request.utf8), owner: owner, requestID: RequestID("trace-0")))
        try await queue.add(NewJob(id: "j1", request: Data(#"{"language":"a stranger's word"}"#.utf8)))
        for id in ["j0", "j1", "j0"] { _ = await queue.cancel(id) }
        // It goes only when all is told.
        await queue.close()
        let counted = jobs.families().flatMap(\.samples).filter { $0.value > 0 }
        #expect(counted.map(\.value) == [1, 1])
        #expect(counted.map { $0.labels.map(\.value) } == [["python", "cancelled"], ["other", "cancelled"]])
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains("secret") && !text.contains("stranger"))
        let lines = try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        try #require(lines.count == 2)
        #expect(lines[0]["job"] as? String == "j0" && lines[0]["status"] as? String == "cancelled")
        #expect(lines[0]["key"] as? String == "somebody" && lines[0]["request"] as? String == "trace-0")
        #expect(lines[0]["language"] as? String == "python" && lines[0]["attempt"] as? Int == 0)
        #expect((lines[0]["body"] as? [String: Any])?["sha256"] as? String == SHA256.hex(Array(request.utf8)))
        #expect(lines[0]["code"] is NSNull && lines[0]["limits"] is NSNull && lines[1]["language"] is NSNull)
    }
}
