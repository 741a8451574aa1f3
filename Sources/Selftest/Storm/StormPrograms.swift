import Foundation
import Jobs

extension StormDraw {
    /// What a program of a storm tries.
    private enum Kind: CaseIterable {
        case exit, signal, spin, sleep, cancelled, bomb, forks, threads, lonely, disk, inodes, output, flood, noise,
            unread
        case echo, silence, files, descriptors, memory, tiny, orphans, stopped, brokenPipe, failure, compiled
    }

    /// A small program that means to run into a limit, or to be mistaken for one that did.
    func program(_ index: Int, _ random: inout StormRandom) -> StormJob {
        let limits = ample(&random)
        func job(_ name: String, _ language: String, _ code: String, _ natural: String...) -> StormJob {
            StormJob(
                index: index, name: "\(language): \(name)", work: .program(language: language, code: code),
                limits: limits, natural: Set(natural))
        }
        func ending(_ code: Int) -> String { code == 0 ? "ok" : "nonzero_exit \(code)" }
        let code = random.chance(percent: 30) ? 0 : random.number(in: 1...255)
        var result: StormJob
        var twists: [Twist] = [.wall, .cpu, .cancel]
        switch random.pick(Kind.allCases) {
        case .exit:
            result = job("exit", "bash", "exit \(code)", ending(code))
        case .signal:
            let name = random.pick(["HUP", "TERM", "KILL", "SEGV", "ABRT", "USR1", "XCPU", "XFSZ", "SYS", "FPE"])
            result = job("signal", "bash", "kill -s \(name) $$\nexit 99", "signaled SIG\(name)")
        case .spin:
            let count = random.number(in: 0...3)
            result = job(
                "spin", random.pick(["bash", "python", "javascript"]), "", Status.cpuTimeLimit.rawValue)
            if case .program(let language, _) = result.work {
                let code =
                    switch language {
                    case "bash": "for i in $(seq \(count)); do (while :; do :; done) & done\nwhile :; do :; done"
                    case "python": "while True: pass"
                    default: "for (;;) {}"
                    }
                result.work = .program(language: language, code: code)
            }
            result.limits.cpuTimeMs = random.number(in: 20...300)
            twists = [.wall, .cancel]
        case .sleep:
            result = job("sleep", "bash", "trap '' TERM INT HUP\nsleep 600", Status.wallTimeLimit.rawValue)
            result.limits.wallTimeMs = random.number(in: 20...400)
            twists = [.cpu, .cancel]
        case .cancelled:
            // Nothing else can end it.
            result = job("cancelled", "bash", random.pick(["sleep 600", "read x < <(sleep 600)", "kill -STOP $$"]))
            result.cancelled = .after(random.number(in: 0...300))
            result.early = [Status.cancelled.rawValue]
            twists = []
        case .bomb:
            result = job("fork bomb", "bash", ":(){ :|:& };:\nsleep 600", Status.processLimit.rawValue)
            result.limits.processes = random.number(in: 4...24)
            result.limits.wallTimeMs = min(random.number(in: 1_500...2_000) * timeScale, maxima.wallTimeMs)
            twists = [.cancel]
        case .forks:
            let code = """
                import os, time
                while True:
                    try: child = os.fork()
                    except OSError: os._exit(7)
                    if child == 0: time.sleep(600)
                """
            result = job("forks", "python", code, Status.processLimit.rawValue)
            result.limits.processes = random.number(in: 2...24)
        case .threads:
            let code = """
                import os, threading, time
                while True:
                    try: threading.Thread(target=time.sleep, args=(600,)).start()
                    except RuntimeError: os._exit(7)
                """
            result = job("threads", "python", code, Status.processLimit.rawValue)
            result.limits.processes = random.number(in: 2...24)
        case .lonely:
            // One process may not become two; the shell waits for its turn until its time is over.
            let forks = random.chance(percent: 50)
            result = job(
                "lonely", "bash", forks ? "/bin/true\nexit 3" : "exit \(code)",
                forks ? Status.processLimit.rawValue : ending(code))
            result.limits.processes = 1
            if forks { result.limits.wallTimeMs = random.number(in: 800...1_500) }
            if forks { twists = [.cancel] }
        case .disk:
            result = disk(job("disk", "bash", "head -c 1G /dev/zero >/tmp/f"), &random)
        case .inodes:
            result = job(
                "inodes", "bash", "i=0\nwhile : >/tmp/$((i++)); do :; done\nexit 4", Status.diskLimit.rawValue)
            result.limits.inodes = random.number(in: 16...300)
        case .output:
            result = output(job("output", "bash", ""), &random)
        case .flood:
            let language = random.pick(["bash", "python", "javascript"])
            let code =
                switch language {
                case "bash": "yes"
                case "python": "while True: print('x' * 1000)"
                default: "const fs = require('fs'); for (;;) fs.writeSync(2, 'x'.repeat(1000))"
                }
            result = job("flood", language, code, Status.outputLimit.rawValue)
            result.limits.outputBytes = random.number(in: 1...1 << 20)
            if random.chance(percent: 30) {
                result.cancelled = .atOutput
                result.early.insert(Status.cancelled.rawValue)
                twists = []
            }
        case .noise:
            let bytes = random.number(in: 64...100_000)
            result = job("noise", "bash", "head -c \(bytes) /dev/urandom", "ok")
            result.encoding = random.chance(percent: 50) ? .base64 : .utf8
            let isText = result.encoding == .utf8
            result.check = { result in
                if result.stdoutBytes != bytes { return "\(result.stdoutBytes) bytes came, not \(bytes)" }
                return result.stdoutLossy == isText ? nil : "stdoutLossy is \(result.stdoutLossy)"
            }
        case .unread:
            let program = random.pick([
                "exit \(code)", "exec <&-; sleep 0.02; exit \(code)", "head -c 1 >/dev/null; exit \(code)",
            ])
            result = job("unread", "bash", program, ending(code))
            result.input = .bytes(random.number(in: 0...2 << 20))
        case .echo:
            let bytes = random.number(in: 0...400_000)
            result = job("echo", "bash", "cat", "ok")
            result.input = .bytes(bytes)
            result.limits.outputBytes = max(1, bytes + random.number(in: -1...1))
            if bytes > result.limits.outputBytes { result.natural = [Status.outputLimit.rawValue] }
            let kept = min(bytes, result.limits.outputBytes)
            result.check = { $0.stdoutBytes == kept ? nil : "\($0.stdoutBytes) bytes came back, not \(kept)" }
        case .silence:
            if random.chance(percent: 50) {
                result = job("silence", "bash", "cat", Status.wallTimeLimit.rawValue)
                result.input = .silent
                result.limits.wallTimeMs = random.number(in: 20...400)
            } else {
                result = job("end of input", "bash", "read x\nexit $((10 + $?))", ending(11))
            }
        case .files:
            result = files(job("files", "bash", ""), code, ending(code), &random)
        case .descriptors:
            let most = random.number(in: 16...256)
            let code = """
                import errno, os, sys
                last = 0
                try:
                    while last < 5000: last = os.open('/dev/null', os.O_RDONLY)
                except OSError as error: sys.exit(0 if error.errno == errno.EMFILE and last == \(most - 1) else 9)
                sys.exit(8)
                """
            result = job("descriptors", "python", code, "ok")
            result.limits.openFiles = most
        case .memory:
            result = memory(job("memory", "python", ""), &random)
        case .tiny:
            // Not even room for a program to begin in.
            result = job("tiny", "bash", "exit 0", Status.memoryLimit.rawValue)
            result.limits.memoryBytes = random.number(in: 1...200_000)
            twists = [.cancel]
        case .orphans:
            result = job(
                "orphans", "bash", "(setsid sleep 600 &)\n(trap '' TERM; sleep 600) &\nexit \(code)", ending(code))
        case .stopped:
            result = job("stopped", "bash", "kill -STOP $$", Status.wallTimeLimit.rawValue)
            result.limits.wallTimeMs = random.number(in: 20...400)
        case .brokenPipe:
            result = job("broken pipe", "bash", "yes | head -n 5 >/dev/null\nexit \(code)", ending(code))
        case .failure:
            let language = random.pick(["python", "javascript"])
            let texts =
                language == "python"
                ? ["def f(): f()\nf()", "1/0", ")", "raise SystemExit(1)", "import nothing"]
                : ["throw 1", ")", "function f() { f() }\nf()", "process.exit(1)", "require('nothing')"]
            result = job("failure", language, random.pick(texts), ending(1))
        case .compiled:
            result = compiled(job("compiled", "c", ""), code, ending(code), &random)
        }
        let isTwisted = twist(&result, &random, allowed: twists) != nil
        if !isTwisted, result.name == "python: forks" || result.name == "python: threads" {
            // Unless its time is over in between, it has seen the refusal itself.
            result.check = { $0.exitCode == 7 ? nil : "its exit code is \($0.exitCode.map(String.init) ?? "missing")" }
        }
        return result
    }

    /// Whichever of the disk, the file's size and the memory is the least is what a large file runs into.
    private func disk(_ job: StormJob, _ random: inout StormRandom) -> StormJob {
        var job = job
        job.limits.fileBytes = 64 << 20
        job.limits.diskBytes = 64 << 20
        job.limits.memoryBytes = 160 << 20
        switch random.number(in: 0...2) {
        case 0:
            job.limits.diskBytes = random.number(in: 1 << 20...32 << 20)
            job.natural = [Status.diskLimit.rawValue]
            // Not 153: that would be the file's size.
            job.check = { $0.exitCode == 1 ? nil : "its exit code is \($0.exitCode.map(String.init) ?? "missing")" }
        case 1:
            job.limits.fileBytes = random.number(in: 1 << 20...16 << 20)
            // The shell says of head what a shell says: 128 and SIGXFSZ.
            job.natural = ["\(Status.nonzeroExit.rawValue) 153"]
        default:
            job.limits.memoryBytes = random.number(in: 12 << 20...32 << 20)
            job.natural = [Status.memoryLimit.rawValue]
        }
        return job
    }

    /// Exactly the limit is no more than the limit.
    private func output(_ job: StormJob, _ random: inout StormRandom) -> StormJob {
        var job = job
        let limit = random.chance(percent: 50) ? random.number(in: 1...300) : random.number(in: 1...200_000)
        let bytes = max(
            0, random.chance(percent: 60) ? limit + random.number(in: -1...1) : random.number(in: 0...300_000))
        let stream = random.number(in: 1...2)
        job.work = .program(language: "bash", code: "head -c \(bytes) /dev/zero | tr '\\0' x >&\(stream)")
        job.limits.outputBytes = limit
        job.natural = [bytes > limit ? Status.outputLimit.rawValue : Status.ok.rawValue]
        let kept = min(bytes, limit)
        job.check = { result in
            let (wanted, other) =
                stream == 1
                ? (result.stdoutBytes, result.stderrBytes) : (result.stderrBytes, result.stdoutBytes)
            return wanted == kept && other == 0 ? nil : "\(wanted) bytes were kept, not \(kept), \(other) beside them"
        }
        return job
    }

    /// Files of which each that is one comes out whole, and nothing else does.
    private func files(_ job: StormJob, _ code: Int, _ ending: String, _ random: inout StormRandom) -> StormJob {
        var job = job
        let count = random.number(in: 0...40)
        let bytes = random.number(in: 0...50_000)
        let text = """
            mkdir -p out/d; ln -s /etc/passwd out/link; mkfifo out/fifo; ln -s / out/root; echo x >out/one; ln out/one out/two
            for ((i = 0; i < \(count); i++)); do head -c \(bytes) /dev/zero >out/d/$i; done
            exit \(code)
            """
        job.work = .program(language: "bash", code: text)
        job.natural = [ending]
        job.collect = [random.pick(["out/**", "out/d/*", "**"])]
        let expected = Set((0..<count).map { "out/d/\($0)" })
        let isWide = job.collect == ["**"]
        let isSlow = timeScale > 1
        job.check = { result in
            let taken = result.files.filter { $0.skipped == nil && !(isWide && $0.path == "main.sh") }
            let paths = Set(taken.map(\.path))
            guard paths == expected || isSlow && result.ranOutOfCollecting && paths.isSubset(of: expected) else {
                return "\(taken.count) files came out, not \(count): \(taken.prefix(4).map(\.path))"
            }
            return taken.first { $0.bytes != bytes }.map { "\($0.path) has \($0.bytes) bytes, not \(bytes)" }
        }
        return job
    }

    /// Twice its memory ends a program, a quarter does not.
    private func memory(_ job: StormJob, _ random: inout StormRandom) -> StormJob {
        var job = job
        let limit = random.number(in: 64 << 20...128 << 20)
        let fits = random.chance(percent: 40)
        let bytes = fits ? limit / 4 : limit * 2
        let isPython = random.chance(percent: 60)
        job.work =
            isPython
            ? .program(language: "python", code: "x = b'x' * \(bytes)")
            : .program(language: "javascript", code: "const x = Buffer.alloc(\(bytes), 1)")
        job.name = isPython ? "python: memory" : "javascript: memory"
        // node alone needs some forty megabytes.
        job.limits.memoryBytes = isPython ? limit : limit + (fits ? 64 << 20 : 0)
        job.natural = [fits ? Status.ok.rawValue : Status.memoryLimit.rawValue]
        return job
    }

    private func compiled(_ job: StormJob, _ code: Int, _ ending: String, _ random: inout StormRandom) -> StormJob {
        var job = job
        let (text, natural): (String, String) = random.pick([
            ("int main(void) { return \(code); }", ending),
            ("int main(void) { volatile int *p = 0; return *p; }", "signaled SIGSEGV"),
            ("#include <stdlib.h>\nint main(void) { abort(); }", "signaled SIGABRT"),
            ("int main(void) { volatile int one = 1, zero = 0; return one / zero; }", "signaled SIGFPE"),
            ("int main(void) { __builtin_trap(); }", "signaled SIGILL"),
            ("int main(void) { return", Status.compileError.rawValue),
            ("int main(void) { for (;;) { volatile int x = 0; (void)x; } }", Status.cpuTimeLimit.rawValue),
        ])
        job.work = .program(language: "c", code: text)
        job.natural = [natural]
        if natural == Status.cpuTimeLimit.rawValue { job.limits.cpuTimeMs = random.number(in: 20...300) }
        return job
    }
}
