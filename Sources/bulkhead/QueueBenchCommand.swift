import ArgumentParser
import Foundation
import Jobs
import Measurement

/// `bulkhead queue bench`: how many jobs a Redis and this queue carry, with no job that does anything.
struct QueueBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the queue alone, with empty jobs.",
        discussion: """
            It adds the jobs, then takes and finishes them, then sends some through one at a time. It uses a queue of its own \
            name and removes it; the Redis is as busy as it can be meanwhile. The processes are not parted: everything but \
            Redis runs in this one.
            """)

    @OptionGroup var target: QueueTarget

    @Option(help: "How many jobs (2000).")
    var jobs = 2_000

    @Option(help: "How many are added at once, and taken at once by each worker (32).")
    var concurrency = 32

    @Option(help: "How many workers, each with connections of its own (1).")
    var workers = 1

    @Option(help: "How many jobs go through one at a time (200).")
    var roundTrips = 200

    mutating func validate() throws {
        guard (1...1_000_000).contains(jobs), (1...1_024).contains(concurrency), (1...64).contains(workers),
            (1...100_000).contains(roundTrips)
        else {
            throw ValidationError(
                "--jobs must be 1 to 1000000, --concurrency 1 to 1024, --workers 1 to 64, --round-trips 1 to 100000")
        }
    }

    mutating func run() throws {
        let (jobs, concurrency, workers, roundTrips) = (jobs, concurrency, workers, roundTrips)
        let report = try target.use { server, _ in
            try await QueueBench(
                server: server, jobs: jobs, concurrency: concurrency, workers: workers, roundTrips: roundTrips
            ).run()
        }
        func rounded(_ value: Double) -> JSONValue { .double((value * 1_000).rounded() / 1_000) }
        let (half, most) = (report.roundTrips.quantile(0.5), report.roundTrips.quantile(0.99))
        target.show(
            [
                "jobs": .integer(jobs), "concurrency": .integer(concurrency), "workers": .integer(workers),
                "addedPerSecond": rounded(report.added), "finishedPerSecond": rounded(report.worked),
                "roundTripP50Ms": rounded(half), "roundTripP99Ms": rounded(most),
            ],
            """
            added: \(Int(report.added)) jobs/s
            taken and finished: \(Int(report.worked)) jobs/s
            """ + String(format: "\nadded to answered, one at a time: p50 %.2f ms, p99 %.2f ms", half, most))
    }
}
