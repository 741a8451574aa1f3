import Glibc
import Jobs
import Linux

extension Selftest {
    /// One job that says its own finding, and that is also looked at from outside: what to look at goes by its name.
    func judgeFromOutside(_ attack: Attack) async throws -> Judgement {
        switch attack.name {
        case "page-cache", "daemon-binary":
            return try await judgeAlone(attack).and(watched.judge())
        case "init-from-outside":
            return try await judgeAlive(attack) { Self.initPosture(of: $0) }
        case "job-from-outside":
            return try await judgeAlive(attack) { Self.jobPosture(of: $0) }
        case "waiting-from-outside":
            // What was started ahead waits as well.
            let name = startsAhead ? "bash" : "bulkhead-"
            return try await judgeAlive(attack) { _ in Self.waitingPosture(of: name) }
        default:
            return .unjudged("nothing says what to look at from outside")
        }
    }

    private func judgeAlive(
        _ attack: Attack, _ look: @Sendable (HostProcess) -> Judgement
    ) async throws -> Judgement {
        let job = try HeldJob(self, [attack.name], limits: try limits(of: attack))
        let isReady = await job.isReady()
        // The job's own name; its user is not known before it has ended.
        let candidates = HostProcess.ours().filter { $0.command == "attack" && !$0.isZombie }
        var seen = Judgement.unjudged("the job could not be found among this host's processes")
        if isReady, candidates.count == 1 { seen = look(candidates[0]) }
        if candidates.count > 1 { seen = .unjudged("it has several processes: \(candidates.map(\.pid))") }
        let result = await job.release()
        return OwnFinding(result).judgement.and(seen).and(leaks(result))
    }

    /// PID 1 of the job's sandbox: another unprivileged user, no capability, a filter, nobody may read it.
    private static func initPosture(of job: HostProcess) -> Judgement {
        guard let parent = HostProcess(pid: job.parent) else {
            return .unjudged("the job's parent cannot be seen")
        }
        let numbers = parent.status["NSpid"]?.split(separator: "\t") ?? []
        guard numbers.count > 1, numbers.last == "1" else { return .escaped("the job's parent is no PID 1") }
        guard parent.user >= 100_000 else { return .escaped("PID 1 has the host's uid \(parent.user)") }
        guard parent.user != job.user else { return .escaped("PID 1 has the job's own uid") }
        let users = Set(
            (parent.status["Uid"] ?? "").split(separator: "\t") + (parent.status["Gid"] ?? "").split(separator: "\t"))
        guard users.count == 1 else { return .escaped("PID 1 has several ids: \(users.sorted())") }
        let wrong = posture(parent)
        guard wrong == nil else { return .escaped("PID 1: \(wrong ?? "")") }
        // The files of /proc belong to root where a process may not be read, and to its user otherwise (proc(5)).
        var status = stat()
        guard stat("/proc/\(parent.pid)/status", &status) == 0 else { return .unjudged("PID 1 went away") }
        guard status.st_uid != parent.user else { return .escaped("PID 1 is dumpable") }
        return .contained("PID 1 is another user, without capabilities, filtered and not dumpable")
    }

    /// The job itself, in the host's own numbers.
    private static func jobPosture(of job: HostProcess) -> Judgement {
        guard job.user >= 100_000 else { return .escaped("the job has the host's uid \(job.user)") }
        let ids = Set(
            (job.status["Uid"] ?? "").split(separator: "\t") + (job.status["Gid"] ?? "").split(separator: "\t"))
        guard ids.count == 1 else { return .escaped("the job has several ids: \(ids.sorted())") }
        if let wrong = posture(job) { return .escaped("the job: \(wrong)") }
        return .contained("outside it is uid \(job.user), without capabilities, groups or privileges to gain")
    }

    /// The sandboxes that wait for their jobs, which take a moment to come after the one that was taken.
    private static func waitingPosture(of name: String) -> Judgement {
        let deadline = MonotonicClock.now + 20_000_000_000
        while true {
            // The second process of its namespace, under a sandbox's PID 1, with a job's user.
            let waiting = HostProcess.ours().filter { process in
                process.command.hasPrefix(name) && process.user >= 100_000 && !process.isZombie
                    && process.status["NSpid"]?.split(separator: "\t").dropFirst().last == "2"
                    && process.status["Seccomp"] == "2"
            }
            for process in waiting {
                if let wrong = posture(process) { return .escaped("a job that waits: \(wrong)") }
            }
            if !waiting.isEmpty { return .contained("before it is started a job has no privilege either") }
            if MonotonicClock.now > deadline { return .unjudged("no sandbox waits for a job") }
            usleep(20_000)
        }
    }

    /// What is wrong with a process's privileges; nil where nothing is.
    private static func posture(_ process: HostProcess) -> String? {
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] where process.status[set] != "0000000000000000" {
            return "\(set) is \(process.status[set] ?? "unknown")"
        }
        if process.status["NoNewPrivs"] != "1" { return "no_new_privs is not set" }
        if process.status["Seccomp"] != "2" { return "no filter is loaded" }
        if process.status["Groups"] != "" { return "it has the groups \(process.status["Groups"] ?? "unknown")" }
        return nil
    }
}
