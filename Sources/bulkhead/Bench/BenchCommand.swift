import ArgumentParser
import Foundation
import Glibc
import Isolation
import Measurement

/// `bulkhead bench`: what isolation costs on this host, or with `--accuracy` how exact its limits and figures are.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what isolation costs on this host, or how exact its limits are.",
        discussion: """
            Each section is measured in rounds, after some that do not count: every round takes all rows once, in turn, so
            that the machine's drift hits all alike. Compare rows of one section only. CPU time, and runs per second with as
            many at once as there are cores and twice that, follow row by row. The output is Markdown.

            Without options: a static program of one system call, bare and in a sandbox. Further sections:
              --languages  hello world in each language that has an image: bare in chroot(8), cold, parked
              --ladder     each layer of isolation alone, and all of them added up, without the engine
              --http       real services on loopback, embedded queue and Redis (redis-server is needed): one request every
                           100 ms, and as many as there are answers; memory while they idle
              --peers      the same static program under bubblewrap, nsjail, isolate, crun, runc and systemd-nspawn, those
                           that are installed
              --all        all of these
              --endurance  many sandboxes: what is left, and whether the last are as fast as the first; exit 1 where
                           anything is left

            --accuracy: what the supervisor reports, minus what is right, with one job alone and with one for each core:
              wall         how long after its deadline a program had ended, by the report and by its caller's clock
              cpu limit    how much more CPU time than its limit a program got, by the report and by its own clock
              cpu          CPU time reported, minus what the program says it used
              memory       peak reported, minus the bytes that the program used
              4 MiB        whether a program that fits runs, and one that does not is stopped
            bare is the same program without a sandbox, in the same rounds: what killing it at the deadline and its rusage
            are off by on this host. A goal is met where the 99th percentile of the error is within it; the largest error
            stands for that with fewer than 100 samples. Unmet goals change the exit status only with --strict.
            """)

    @OptionGroup var engine: EngineOptions

    @Flag(help: "Hello world in each language.")
    var languages = false

    @Flag(help: "Each layer of isolation.")
    var ladder = false

    @Flag(help: "The path over HTTP.")
    var http = false

    @Flag(help: "Other sandboxes.")
    var peers = false

    @Flag(help: "With the peers Docker too; a daemon is started where none answers.")
    var docker = false

    @Flag(help: "Sandboxes, ladder, languages, HTTP and peers.")
    var all = false

    @Option(help: ArgumentHelp("So many sandboxes, and what they leave.", valueName: "count"))
    var endurance: Int?

    @Option(help: ArgumentHelp("Draw what was measured into this SVG file.", valueName: "file"))
    var plot: String?

    @Flag(help: "Measure exactness instead of cost.")
    var accuracy = false

    @Flag(help: "With --accuracy: exit 1 where a goal is not met.")
    var strict = false

    @Option(
        help: """
            Rounds that count (500; with --accuracy 25, some seven minutes). Languages take a tenth of them, peers and HTTP
            requests a fifth.
            """)
    var rounds: Int?

    @Option(help: "Rounds before, which do not; without --accuracy.")
    var warmUp = 30

    @Option(help: ArgumentHelp("Milliseconds for each rate; thrice that over HTTP.", valueName: "ms"))
    var rateTime = 1_000

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        let isCost = languages || ladder || http || peers || docker || all || endurance != nil || plot != nil
        if accuracy, isCost { throw ValidationError("--accuracy goes with no other section and has no plot") }
        if let endurance, !(1...10_000_000).contains(endurance) {
            throw ValidationError("--endurance must be from 1 to 10000000")
        }
        if docker, !(peers || all) { throw ValidationError("--docker goes with --peers or --all") }
        guard (1...60_000).contains(rateTime) else { throw ValidationError("--rate-time must be from 1 to 60000") }
        guard (1...100_000).contains(rounds ?? 500), (0...10_000).contains(warmUp) else {
            throw ValidationError("--rounds must be from 1 to 100000, --warm-up from 0 to 10000")
        }
    }

    mutating func run() throws {
        if accuracy { return try measureAccuracy() }
        guard geteuid() == 0 else {
            throw IsolationError(
                .host, "must be started as root, which bare programs in chroot and other sandboxes need")
        }
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let rounds = rounds ?? 500
        let plan = BenchPlan(
            rounds: rounds, warmUp: warmUp, repetitions: min(400, max(20, rounds)), cores: cores, rateTime: rateTime)
        let (report, isClean) = try measureCost(plan)
        if let plot { try BenchHost.write(Data(Plot(report).svg.utf8), to: plot) }
        print(json ? try report.json : report.text)
        if !isClean { throw ExitCode(1) }
    }

    private func measureCost(_ plan: BenchPlan) throws -> (BenchReport, isClean: Bool) {
        let run = try BenchRun(engine, plan: plan)
        var report = BenchReport(date: Date().formatted(.iso8601), machine: BenchHost.machine)
        var isClean = true
        let onlySandboxes = !(languages || ladder || http || peers || endurance != nil)
        let sandboxes = all || onlySandboxes ? [try run.sandboxes()] : []
        let ladder = all || self.ladder ? [try run.ladder()] : []
        let languages = all || self.languages ? [try run.languages()] : []
        let http = all || self.http ? try run.httpPaths(requests: max(1, plan.rounds / 5)) : []
        var endured: [BenchReport.Section] = []
        if let endurance {
            let (section, isEmpty) = try run.endurance(jobs: endurance)
            endured = [section]
            isClean = isEmpty
        }
        let peers = all || self.peers ? [try run.peers(docker: docker)] : []
        // As one reads them: the peers had to be measured last, and the ladder is long.
        report.sections = sandboxes + peers + languages + http + endured + ladder
        let left = try run.end()
        if !left.isEmpty {
            note("left on this host: \(left.joined(separator: "; "))")
            isClean = false
        }
        return (report, isClean)
    }

    private func measureAccuracy() throws {
        let rounds = rounds ?? 25
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let running = try RunningEngine.start(engine, images: ["default"], slots: cores) { note("\($0)") }
        let maxima = running.maxima
        let report = try runToEnd { () -> AccuracyReport in
            do {
                let bench = AccuracyBench(engine: running.engine, cores: cores, maxima: maxima)
                let report = try await bench.run(rounds: rounds)
                await running.engine.shutDown()
                return report
            } catch {
                await running.engine.shutDown()
                throw error
            }
        }
        print(json ? report.json : report.text)
        if strict, !report.passes { throw ExitCode(1) }
    }
}
