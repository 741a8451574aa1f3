import Foundation
import JobQueue
import Jobs
import Testing

@testable import RedisJobQueue

/// What needs no server.
@Suite("Parts of the Redis queue")
struct PartsTests {
    @Test("what is said of a job that ended is its id, whatever that holds, and its result")
    func endedJobs() {
        let result = ExecutionResult.sample("j-a", stdout: "é\n")
        let json = String(decoding: result.json(), as: UTF8.self)
        for id in ["j-a", "1 2", "3", "é {", "9 j-a{\"id\":"] {
            let ended = EndedJob("\(id.utf8.count) \(id)\(json)")
            #expect(ended.id == id)
            #expect(ended.result == result)
            for rest in ["", "{}"] {
                let unknown = EndedJob("\(id.utf8.count) \(id)\(rest)")
                #expect(unknown.id == id)
                #expect(unknown.result == nil, "looked up")
            }
        }
        // Of the id alone nothing else can be made.
        for text in ["j-a", "12", "12 a", "0 a", "-1 a", " a", ""] {
            #expect(EndedJob(text).id == text)
            #expect(EndedJob(text).result == nil)
        }
    }

    @Test("a URL names host, port, user, password and database")
    func urls() throws {
        #expect(try RedisServer(url: "redis://h") == RedisServer(host: "h"))
        #expect(
            try RedisServer(url: "redis://u:p%40ss@h:1/2")
                == RedisServer(address: .tcp(host: "h", port: 1), user: "u", password: "p@ss", database: 2))
        #expect(
            try RedisServer(url: "redis://:p@[::1]:6390")
                == RedisServer(address: .tcp(host: "::1", port: 6_390), password: "p"))
        #expect(
            try RedisServer(url: "unix:///run/redis.sock?db=4")
                == RedisServer(address: .unix(path: "/run/redis.sock"), database: 4))
    }

    @Test(
        "what is no URL of a Redis is refused, without its password",
        arguments: [
            "", "localhost:6379", "http://h", "redis://", "redis://h/x", "redis://h:0", "unix://h", "redis://h/-1",
        ])
    func badURLs(url: String) {
        #expect(throws: RedisServerError.self) { try RedisServer(url: url) }
    }

    @Test("TLS is refused with a way to have it")
    func tls() {
        do throws(RedisServerError) {
            _ = try RedisServer(url: "rediss://u:secret@h:6380")
            Issue.record("was not refused")
        } catch {
            #expect(error.description.contains("stunnel"))
            #expect(!error.description.contains("secret"))
        }
    }

    @Test(
        "errors are told apart, wherever the server puts the word",
        arguments: [
            ("READONLY You can't write against a read only replica.", RedisError.Code.readOnly),
            ("ERR Error running script: @user_script: 12: -OOM command not allowed", .outOfMemory),
            ("OOM command not allowed when used memory > 'maxmemory'. script: f, on @user_script:3.", .outOfMemory),
            ("LOADING Redis is loading the dataset in memory", .loading),
            ("MISCONF Redis is configured to save RDB snapshots", .misconfigured),
            ("NOSCRIPT No matching script.", .noScript), ("NOAUTH Authentication required.", .denied),
            ("MOVED 3999 127.0.0.1:6381", .wrongNode), ("ASK 3999 127.0.0.1:6381", .wrongNode),
            ("CROSSSLOT Keys in request don't hash to the same slot", .manyNodes),
            ("WRONGTYPE Operation against a key", .server),
        ])
    func errors(text: String, code: RedisError.Code) {
        #expect(RedisError(reply: text).code == code)
    }

    @Test("an error never repeats a command's arguments")
    func errorsTellNothing() {
        let error = RedisError(reply: "ERR unknown command 'X', with args beginning with: 'secret'")
        #expect(!error.detail.contains("secret"))
    }

    @Test("a producer's wishes are read, and what makes no sense is passed over")
    func wishes() {
        let options = JobOptions(
            json: Array(
                #"{"attempts":3,"backoff":{"type":"exponential","delay":100},"removeOnComplete":{"count":5,"age":60},"#
                    .utf8)
                + Array(#""removeOnFail":true,"lifo":true}"#.utf8))
        #expect(options.attempts == 3)
        #expect((1...3).map { options.delay(afterAttempt: $0) } == [100, 200, 400])
        #expect(options.onComplete == JobOptions.Retention(count: 5, age: 60))
        #expect(options.onFail == JobOptions.Retention(count: 0))
        #expect(options.isLIFO)
        let fixed = JobOptions(json: Array(#"{"attempts":2,"backoff":70}"#.utf8))
        #expect((1...3).map { fixed.delay(afterAttempt: $0) } == [70, 70, 70])
        let huge = JobOptions(json: Array(#"{"attempts":1e300,"backoff":{"type":"exponential","delay":1e300}}"#.utf8))
        #expect(huge.delay(afterAttempt: 1_000_000) == 2_592_000_000)
        for text in ["", "[]", "null", #"{"attempts":"3","backoff":{"delay":-1},"removeOnFail":[]}"#] {
            let options = JobOptions(json: Array(text.utf8))
            #expect(options.attempts == 1)
            #expect(options.delay(afterAttempt: 1) == 0)
            #expect(options.onFail == JobOptions.Retention())
        }
    }

    @Test("jitter takes a random share of the delay off, at most its own")
    func jitter() {
        let options = JobOptions(
            json: Array(
                #"{"attempts":9,"backoff":{"type":"exponential","delay":1000,"jitter":0.5}}"#.utf8))
        for attempt in 1...3 {
            let full = 1_000 << (attempt - 1)
            let delays = (0..<300).map { _ in options.delay(afterAttempt: attempt) }
            #expect(delays.allSatisfy { (full / 2...full).contains($0) })
            #expect(Set(delays).count > 50)
            #expect((delays.max() ?? 0) - (delays.min() ?? 0) > full / 4)
        }
    }

    @Test("a server's description is where it is, without who one is there")
    func descriptions() throws {
        #expect("\(try RedisServer(url: "redis://u:secret@[::1]:6390/3"))" == "[::1]:6390")
        #expect("\(try RedisServer(url: "unix://u:secret@/run/r.sock"))" == "/run/r.sock")
    }

    @Test("a shortened result is valid, small enough, and cut between characters", arguments: [2_000, 3_000, 65_536])
    func shortened(most: Int) throws {
        var result = ExecutionResult.sample("j-a", stdout: String(repeating: "😀\u{7}", count: 50_000))
        result.stderr = String(repeating: "x", count: 100_000)
        result.message = String(repeating: "m", count: 900)
        result.files = (0..<64).map { CollectedFile(path: "out/\($0)", content: "abc", bytes: 3) }
        let stored = StoredResult(result, atMost: most, wholeAt: "bull:q:bh:result:j-a")
        #expect(stored.json.count <= most || most < 3_000)
        #expect(stored.whole == result.json())
        let read = try ExecutionResult(json: stored.json)
        #expect(read.id == "j-a")
        #expect(!read.stdout.contains("\u{FFFD}"))
        let small = StoredResult(.sample("j-b"), atMost: most, wholeAt: "k")
        #expect(small.whole == nil)
    }

    @Test("a result that is large only by its files keeps its streams whole and says what files there are")
    func shortenedFiles() throws {
        var result = ExecutionResult.sample("j-a", stdout: String(repeating: "s", count: 40_000))
        result.files = [
            CollectedFile(path: "a", contents: Array(repeating: 0xFF, count: 100_000)),
            CollectedFile(path: "b", content: nil, bytes: 7, skipped: "symbolic link"),
        ]
        let stored = StoredResult(result, atMost: 64 << 10, wholeAt: "k")
        let read = try ExecutionResult(json: stored.json)
        #expect(read.stdout == result.stdout)
        #expect(!read.stdoutTruncated)
        #expect(
            read.files == [
                CollectedFile(path: "a", content: nil, encoding: .base64, bytes: 100_000), result.files[1],
            ])
        #expect(try ExecutionResult(json: try #require(stored.whole)) == result)
    }

    @Test("a list of files that is itself too long keeps its beginning, and the result its streams")
    func shortenedList() throws {
        var result = ExecutionResult.sample("j-a", stdout: "so far")
        result.files = (0..<320).map {
            CollectedFile(
                path: String(repeating: "\u{1}", count: 1_000) + "\($0)", content: nil, bytes: 0, skipped: "too deep")
        }
        let stored = StoredResult(result, atMost: 64 << 10, wholeAt: "k")
        #expect(stored.json.count <= 64 << 10)
        let read = try ExecutionResult(json: stored.json)
        #expect(read.stdout == "so far")
        #expect(!read.files.isEmpty && read.files == Array(result.files.prefix(read.files.count)))
    }

    @Test(
        "the cases of a shortened result give up their streams first, then names and messages, and the last ones at last"
    )
    func shortenedCases() throws {
        let text = String(repeating: "é", count: 5_000)
        var result = ExecutionResult.sample("j-a")
        result.cases = CaseResults(
            (0..<100).map {
                CaseResult(
                    name: "case \($0)", status: $0 == 7 ? .nonzeroExit : .ok,
                    verdict: $0 == 7 ? .status(.nonzeroExit) : .accepted,
                    program: ProgramRecord(
                        stdout: text, stderr: "short", message: "m", stdoutBytes: 10_000, stderrBytes: 5))
            })
        let stored = StoredResult(result, atMost: 64 << 10, wholeAt: "k")
        #expect(stored.json.count <= 64 << 10)
        #expect(try ExecutionResult(json: try #require(stored.whole)) == result)
        let cases = try #require(try ExecutionResult(json: stored.json).cases)
        #expect(cases.summary == result.cases?.summary)
        #expect(cases.results.count == 100)
        for (index, short) in cases.results.enumerated() {
            #expect(short.name == "case \(index)")
            #expect(short.verdict == result.cases?.results[index].verdict)
            #expect(text.hasPrefix(short.stdout) && !short.stdout.isEmpty)
            #expect(short.stdoutTruncated && !short.stderrTruncated)
            #expect(short.stdoutBytes == 10_000)
        }

        // Names that JSON makes six times as long: they alone are more than there is room for.
        for index in 0..<100 { result.cases?.results[index].name = String(repeating: "\u{1}", count: 128) }
        for (most, least) in [(64 << 10, 100), (16 << 10, 20)] {
            let smaller = StoredResult(result, atMost: most, wholeAt: "k")
            #expect(smaller.json.count <= most)
            let few = try #require(try ExecutionResult(json: smaller.json).cases)
            #expect(few.results.count >= least)
            #expect(few.results.map(\.verdict) == result.cases?.results.prefix(few.results.count).map(\.verdict))
            #expect(few.summary.total == 100)
        }
    }

    @Test("the pause before another try grows to its bound and is left to chance")
    func backoff() {
        var backoff = Backoff()
        let pauses = (0..<200).map { _ in backoff.failed() }
        #expect(pauses.allSatisfy { $0 <= .seconds(5) })
        #expect(pauses[0] <= .milliseconds(100))
        #expect(Set(pauses.suffix(100)).count > 50)
        backoff.succeeded()
        #expect(backoff.failed() <= .milliseconds(100))
    }
}
