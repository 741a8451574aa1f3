import ArgumentParser
import Foundation
import Isolation

/// `bulkhead bench`: what isolation costs on this host, or with `--accuracy` how exact its limits and figures are.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what isolation costs on this host, or how exact its limits are.",
        discussion: """
            The programs are static and compiled in the sandbox itself. Each round measures every row once, in turn, so that
            the machine's drift hits all rows alike; compare rows of one run only.

            Cost, of a program that only exits:
              bare spawn   posix_spawn and wait, no isolation
              parked       a sandbox that was set up before the job came
              cold         a sandbox that is taken down and set up on the waiting path

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

    @Flag(help: "Measure exactness instead of cost.")
    var accuracy = false

    @Flag(help: "With --accuracy: exit 1 where a goal is not met.")
    var strict = false

    @Option(help: "Rounds that count (500; with --accuracy 25, some seven minutes).")
    var rounds: Int?

    @Option(help: "Rounds before, which do not; without --accuracy.")
    var warmUp = 30

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        let rounds = rounds ?? (accuracy ? 25 : 500)
        guard (1...100_000).contains(rounds), (0...10_000).contains(warmUp) else {
            throw ValidationError("--rounds must be from 1 to 100000, --warm-up from 0 to 10000")
        }
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let running = try RunningEngine.start(engine, images: ["default"], slots: accuracy ? cores : 2) {
            note("\($0)")
        }
        let (accuracy, json, warmUp, maxima) = (accuracy, json, warmUp, running.maxima)
        let (text, met) = try runToEnd { () -> (String, Bool) in
            do {
                let text: String
                var met = true
                if accuracy {
                    let bench = AccuracyBench(engine: running.engine, cores: cores, maxima: maxima)
                    let report = try await bench.run(rounds: rounds)
                    text = json ? report.json : report.text
                    met = report.passes
                } else {
                    let report = try await CostBench(engine: running.engine).run(rounds: rounds, warmUp: warmUp)
                    text = json ? report.json : report.text
                }
                await running.engine.shutDown()
                return (text, met)
            } catch {
                await running.engine.shutDown()
                throw error
            }
        }
        print(text)
        if strict, !met { throw ExitCode(1) }
    }
}
