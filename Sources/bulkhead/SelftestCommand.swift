import ArgumentParser
import Foundation
import Images
import Isolation
import Jobs
import Selftest
import SettingSources

/// `bulkhead selftest`: attacks on this installation, with its own policy and image.
struct SelftestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Attack this installation from inside its own sandboxes, and say what held.",
        discussion: """
            Every attack is a job of the default image under the usual policy, started as jobs are; what it must not reach
            is a process of this host that was started for it. A line for each: CONTAINED or ESCAPED, the group, the name,
            what it tried, and what stopped it. UNJUDGED is an attack that could not be tried or did not answer, which is
            no better than an escape.

            Exit 0 when everything was contained, 1 otherwise, 2 when nothing could be tried. On a host that is slower than
            most, BULKHEAD_TIME_SCALE=10 stretches all deadlines.

            With --storm it runs that many random hostile jobs at once instead, attacks among them, under random limits:
            every answer must be well-formed, its status right, and nothing may be left.
            """)

    @OptionGroup var engine: EngineOptions

    @Option(help: ArgumentHelp("Only the attacks of this group; can be given again.", valueName: "name"))
    var group: [String] = []

    @Option(help: ArgumentHelp("Only this attack; can be given again.", valueName: "name"))
    var attack: [String] = []

    @Option(Settings.attacks) var attacks: String?

    @Flag(
        help: """
            Run each attack in a shell that was started before it, until one slot has had it twice so; those on compilers \
            as ever.
            """)
    var ahead = false

    @Flag(help: "List the attacks and run none.")
    var list = false

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @OptionGroup(title: "Storm") var storm: StormOptions

    /// By the environment only: of the host that tests run on, and of nothing that serves.
    private static let timeScale = Setting(
        "time-scale", "BULKHEAD_TIME_SCALE", .integer(1...100), default: .value(1, "1"),
        help: "What deadlines are stretched by")

    func validate() throws {
        if storm.isWanted, list || ahead || !group.isEmpty || !attack.isEmpty {
            throw ValidationError("a storm draws its attacks itself: no --list, --ahead, --group or --attack with it")
        }
    }

    mutating func run() throws {
        let program: AttackProgram
        do {
            program = try AttackProgram(
                path: Installation.companion("bulkhead-attacks", Settings.attacks, attacks))
        } catch let error as DecodingError {
            throw ValidationError("the table of attacks cannot be read: \(error)")
        }
        let chosen = try choose(from: program.attacks)
        if list {
            for attack in chosen { print("\(attack.group)\t\(attack.name)\t\(attack.what)") }
            return
        }
        let end: (json: JSONValue, summary: String, isClean: Bool)
        do {
            if storm.isWanted {
                let report = try attemptStorm(with: program)
                end = (report.json, report.summary, report.isClean)
            } else {
                let report = try attempt(chosen, of: program)
                end = (report.json, report.summary, report.isClean)
            }
        } catch {
            note("\(error)")
            throw ExitCode(2)
        }
        print(json ? String(decoding: end.json.bytes, as: UTF8.self) : end.summary)
        if !end.isClean { throw ExitCode(1) }
    }

    private func choose(from attacks: [Attack]) throws -> [Attack] {
        for name in group where !attacks.contains(where: { $0.group == name }) {
            let groups = attacks.reduce(into: [String]()) { if $0.last != $1.group { $0.append($1.group) } }
            throw ValidationError("no group \(name); there are \(groups.joined(separator: ", "))")
        }
        for name in attack where !attacks.contains(where: { $0.name == name }) {
            throw ValidationError("no attack \(name); bulkhead selftest --list shows all")
        }
        if group.isEmpty, attack.isEmpty { return attacks }
        return attacks.filter { group.contains($0.group) || attack.contains($0.name) }
    }

    private func attempt(_ chosen: [Attack], of program: AttackProgram) throws -> SelftestReport {
        let (running, selftest) = try begin(program, slots: 2)
        let quiet = json
        return try runToEnd {
            let report = try await withStopSignals {
                var report = SelftestReport()
                for attack in chosen where !Task.isCancelled {
                    let finding = await selftest.run(attack)
                    report.add(finding)
                    if !quiet { Self.say(finding.text) }
                }
                let last = await selftest.afterwards()
                report.add(last)
                if !quiet { Self.say(last.text) }
                return report
            }
            await running.engine.shutDown()
            return report
        }
    }

    private func attemptStorm(with program: AttackProgram) throws -> StormReport {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let slots = storm.concurrency ?? cores
        let seed = storm.seed ?? UInt64.random(in: 0...UInt64.max)
        let jobs = storm.stormOnly.map { $0..<$0 + 1 } ?? 0..<(storm.storm ?? 0)
        // Before anything happens: what hangs or crashes must be repeatable as well.
        note("storm of seed \(seed): jobs \(jobs.lowerBound) to \(jobs.upperBound - 1), \(slots) slots")
        let (running, selftest) = try begin(program, slots: slots)
        let storm = Storm(selftest: selftest, engine: running.engine, slots: slots, seed: seed, cores: cores)
        let quiet = json
        if jobs.count == 1 { note(try storm.description(of: jobs.lowerBound)) }
        return try runToEnd {
            var report = try await withStopSignals {
                try await storm.run(jobs) { if !quiet { Self.say($0) } }
            }
            await running.engine.shutDown()
            report.addLeftovers(try running.engine.footprint().leftovers)
            return report
        }
    }

    /// Starts everything that attacks need, and gives up root.
    private func begin(_ program: AttackProgram, slots: Int) throws -> (RunningEngine, Selftest) {
        let timeScale = try Self.timeScale.value(nil)
        guard geteuid() == 0 else {
            throw IsolationError(.host, "must be started as root (it gives root up once its launcher runs): try sudo")
        }
        try DelegatedScope.ensure(arguments: CommandLine.arguments)
        // While this process is root: the files must be open before it is not.
        let launcher = try engine.launcherPath()
        let watched = WatchedFiles(try watchedPaths(launcher: launcher, attacks: program.path))
        var started: Witness?
        // Not before the engine has made its control groups: beside another process of the group it could not (v2).
        let running = try RunningEngine.start(
            engine, images: ["default"], slots: slots, aheadMemory: ahead ? 256 << 20 : 0,
            whileRoot: { started = try Witness(program: program.path, timeScale: timeScale) },
            onFailure: { note("\($0)") }, onAheadFailure: { note("not started ahead: \($0)") })
        guard let witness = started else { throw IsolationError(.host, "the witness of the attacks did not start") }
        return (
            running,
            Selftest(
                engine: running.engine, languages: running.languages, maxima: running.maxima, program: program,
                witness: witness, watched: watched, launcher: launcher, timeScale: timeScale, startsAhead: ahead)
        )
    }

    /// At once, also into a pipe: an attack that hangs must not hide the findings before it. One whose reader has gone (`| head`)
    /// hides nothing: the exit code says what was found.
    private static func say(_ line: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
    }

    /// This installation's own binaries and policies, and what every job of the image uses.
    private func watchedPaths(launcher: String, attacks: String) throws -> [String] {
        let policies = try engine.policyFolder()
        let image = try engine.store.open("default").rootfs
        let inImage = [
            "etc/passwd", "etc/ld.so.cache", "usr/bin/bash", "usr/bin/dash", "usr/bin/gcc", "usr/bin/python3",
            "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        ]
        return [Installation.executable, launcher, attacks, "\(policies)/default.json", "\(policies)/init.json"]
            + inImage.map { "\(image)/\($0)" }
    }
}
