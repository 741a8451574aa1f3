import Foundation
import Jobs
import Testing

@testable import Keyring

@Suite struct KeyStoreTests {
    private let sample = SampleFile()
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("finds keys, and nothing else")
    func finds() throws {
        let secret = try sample.add("1")
        let (logger, _) = Log.make()
        let store = try APIKeyStore(file: sample.file, logger: logger)
        #expect(store.find(secret.text)?.key.name == "1")
        for other in ["", "bh_", secret.text + "0", String(secret.text.dropLast()), APIKeySecret().text, "Bearer"] {
            #expect(store.find(other) == nil)
        }
    }

    @Test func doesNotBeginWithoutASoundFile() throws {
        let (logger, _) = Log.make()
        #expect(throws: APIKeyError.self) { try APIKeyStore(file: sample.file, logger: logger) }
        try sample.add("1")
        try sample.write("{}")
        #expect(throws: APIKeyError.self) { try APIKeyStore(file: sample.file, logger: logger) }
    }

    @Test("a change holds a second later at the latest, and is not looked for more often")
    func readsAgain() throws {
        let first = try sample.add("1")
        let (logger, lines) = Log.make()
        let store = try APIKeyStore(file: sample.file, logger: logger, now: start)
        let second = try sample.add("2")
        try sample.file.change { list in _ = list.revoke("1") }
        #expect(store.find(first.text, now: at(0.9)) != nil)
        #expect(store.find(second.text, now: at(0.9)) == nil)
        #expect(store.find(first.text, now: at(1)) == nil)
        #expect(store.find(second.text, now: at(1)) != nil)
        #expect(store.find(second.text, now: at(9)) != nil)
        // Unchanged, it is not read again.
        #expect(lines.all.filter { $0.contains("read again") }.count == 1)
    }

    @Test("a file that became broken, unreadable or none leaves the last good one in force, which is said once")
    func keepsTheLastGoodOne() throws {
        let secret = try sample.add("1")
        let (logger, lines) = Log.make()
        let store = try APIKeyStore(file: sample.file, logger: logger, now: start)
        try sample.write(#"{"version":1,"keys":[]"#)
        for second in 1...3 { #expect(store.find(secret.text, now: at(Double(second))) != nil) }
        #expect(lines.all.count == 1)
        #expect(lines.all[0].hasPrefix("error") && lines.all[0].contains("what was revoked since then still opens"))
        #expect(!lines.all[0].contains("\"version\""))
        try FileManager.default.removeItem(atPath: sample.file.path)
        #expect(store.find(secret.text, now: at(5)) != nil)
        #expect(lines.all.count == 2)
        // Sound again: empty, and in force.
        try sample.write(#"{"version":1,"keys":[]}"#)
        #expect(store.find(secret.text, now: at(7)) == nil)
    }

    @Test("what was counted of a key goes on when the file is read again, unless its rate is another")
    func keepsCounting() throws {
        let secret = try sample.add("1", [.execute], Quota(rate: Rate("1/m")))
        let (logger, _) = Log.make()
        let store = try APIKeyStore(file: sample.file, logger: logger, now: start)
        #expect(store.find(secret.text, now: start)?.bucket?.take(now: start) == nil)
        try sample.add("2")
        let again = try #require(store.find(secret.text, now: at(2))?.bucket)
        #expect(again.take(now: at(2)) != nil)
    }
}

@Suite struct TokenBucketTests {
    @Test(arguments: ["10/s", "600/m", "1/s", "1000000/m"]) func readsRates(text: String) {
        #expect(Rate(text).map { "\($0)" } == text)
    }

    @Test(arguments: ["", "10", "/s", "10/", "10/h", "-1/s", "0/s", "1.5/s", "1000001/s", "10/s/s", " 10/s"])
    func refusesWhatIsNone(text: String) {
        #expect(Rate(text) == nil)
    }

    @Test func givesBackOverTime() throws {
        let start = ContinuousClock.now
        let bucket = TokenBucket(try #require(Rate("4/s")), now: start)
        for _ in 0..<4 { #expect(bucket.take(now: start) == nil) }
        #expect(bucket.take(now: start) == .milliseconds(250))
        #expect(bucket.take(now: start + .milliseconds(249)) != nil)
        #expect(bucket.take(now: start + .milliseconds(250)) == nil)
        #expect(bucket.take(now: start + .milliseconds(250)) != nil)
        // Never more than the rate at once, however long nobody came.
        var taken = 0
        while bucket.take(now: start + .seconds(1_000)) == nil { taken += 1 }
        #expect(taken == 4)
    }

    @Test("a hundred at once get exactly as many as there are")
    func isExact() async throws {
        let start = ContinuousClock.now
        let bucket = TokenBucket(try #require(Rate("37/m")), now: start)
        let taken = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { bucket.take(now: start) == nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 37)
    }
}
