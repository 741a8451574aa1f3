import Foundation
import Glibc
import Jobs
import Testing

@testable import Keyring

@Suite struct KeyFileTests {
    @Test func readsBackWhatItWrote() throws {
        var list = APIKeyList()
        let quota = Quota(
            rate: Rate("600/m"), concurrency: 4, queueShare: 10,
            ceilings: LimitOverrides(wallTimeMs: 5_000, memoryBytes: 64 << 20, cpus: 0.5))
        try list.add(.sample("ci-1", APIKeySecret(), [.execute], quota))
        try list.add(.sample("b.2", APIKeySecret(), [.read, .admin]))
        #expect(try APIKeyList(bytes: list.bytes) == list)
        #expect(try APIKeyList(bytes: APIKeyList().bytes) == APIKeyList())
    }

    @Test("a key opens by its digest alone: nothing that opens is in the file")
    func keepsNoSecret() throws {
        let sample = SampleFile()
        let secret = try sample.add("1")
        let text = try String(contentsOfFile: sample.file.path, encoding: .utf8)
        #expect(!text.contains(secret.text) && !text.contains(secret.text.dropFirst(3)))
        #expect(secret.text.hasPrefix("bh_") && secret.text.utf8.count == 29)
        #expect(APIKeySecret(secret.text)?.digest == secret.digest)
        #expect(APIKeySecret().text != secret.text)
    }

    private static let key =
        #"{"name":"a","id":"1","sha256":"\#(String(repeating: "0f", count: 32))","scopes":["read"],"#
        + #""createdAt":"2026-01-01T00:00:00Z"}"#

    @Test func acceptsTheSampleThatTheOthersBreak() throws {
        let list = try APIKeyList(bytes: Array(#"{"version":1,"keys":[\#(Self.key)]}"#.utf8))
        #expect(list.keys.map(\.name) == ["a"])
        #expect(list.keys[0].digest == [UInt8](repeating: 15, count: 32))
    }

    @Test(
        "whatever is not exactly a key file is refused",
        arguments: [
            "", "[]", #"{"version":1}"#, #"{"keys":[]}"#, #"{"version":2,"keys":[]}"#,
            #"{"version":1,"keys":[],"more":1}"#, #"{"version":1,"keys":[1]}"#, #"{"version":1,"keys":[]}x"#,
            #"{"version":1,"keys":[KEY,KEY]}"#, #"{"version":1,"keys":[KEY],"keys":[]}"#,
        ]
            + [
                ("\"a\"", "\"\""), ("\"a\"", "\"a b\""), ("\"a\"", "null"), ("\"1\"", "\"a:b\""), ("\"1\"", "\"\""),
                ("0f0f", "0f0"), ("0f0f", "0g0f"), ("[\"read\"]", "[]"), ("[\"read\"]", "[\"write\"]"),
                ("[\"read\"]", "\"read\""), ("2026-01-01T00:00:00Z", "yesterday"),
            ].map { #"{"version":1,"keys":[\#(Self.key.replacingOccurrences(of: $0, with: $1))]}"# }
            + [
                #""rate":"0/s""#, #""rate":"10""#, #""rate":"10/h""#, #""rate":"+1/s""#, #""rate":10"#,
                #""concurrency":0"#, #""concurrency":"4""#, #""queueShare":-1"#, #""queueShare":1.5"#, #""limits":[]"#,
                #""limits":{"memory":1}"#, #""limits":{"memoryBytes":0}"#, #""limits":{"cpus":0}"#, #""extra":1"#,
            ].map { #"{"version":1,"keys":[\#(Self.key.dropLast()),\#($0)}]}"# })
    func isStrict(text: String) throws {
        let text = text.replacingOccurrences(of: "KEY", with: Self.key)
        #expect(throws: APIKeyError.self) { try APIKeyList(bytes: Array(text.utf8)) }
    }

    @Test func refusesAFileThatOthersMayWrite() throws {
        let sample = SampleFile()
        try sample.add("1")
        #expect(try sample.file.read().keys.count == 1)
        for mode in [0o664, 0o646] {
            try sample.chmod(mode)
            #expect(throws: APIKeyError.self) { try sample.file.read() }
        }
        try sample.chmod(0o600)
        #expect(try sample.file.read().keys.count == 1)
        // What cannot be read is not replaced either.
        try sample.write("{")
        #expect(throws: APIKeyError.self) { try sample.add("2") }
        #expect(try String(contentsOfFile: sample.file.path, encoding: .utf8) == "{")
    }

    @Test func refusesWhatIsNoFile() throws {
        let sample = SampleFile()
        #expect(!sample.file.exists)
        #expect(throws: APIKeyError.self) { try sample.file.read() }
        try FileManager.default.createDirectory(atPath: sample.file.path, withIntermediateDirectories: true)
        #expect(sample.file.exists)
        #expect(throws: APIKeyError.self) { try sample.file.read() }
    }

    @Test("a file that is there keeps its mode, and leaves nothing but the lock beside it")
    func keepsTheMode() throws {
        let sample = SampleFile()
        try sample.add("1")
        func mode() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: sample.file.path)[.posixPermissions] as? Int
        }
        #expect(try mode() == 0o644)
        try sample.chmod(0o640)
        try sample.add("2")
        #expect(try mode() == 0o640)
        #expect(throws: APIKeyError.self) { try sample.add("2") }
        let names = try FileManager.default.contentsOfDirectory(atPath: sample.folder.path)
        #expect(names.sorted() == ["keys.json", "keys.json.lock"])
    }

    @Test("of twenty changes at once none is lost")
    func locks() async throws {
        let sample = SampleFile()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 1...20 { group.addTask { try sample.add("key-\(index)") } }
            try await group.waitForAll()
        }
        #expect(try sample.file.read().keys.count == 20)
    }

    @Test("a key that is revoked by a link is revoked in the file that the link leads to")
    func followsLinks() throws {
        let sample = SampleFile()
        try sample.add("1")
        let link = "\(sample.folder.path)/link.json"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "keys.json")
        var isFound = false
        try APIKeyFile(path: link).change { isFound = $0.revoke("1") }
        #expect(isFound)
        #expect(try sample.file.read().keys.isEmpty)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "keys.json")
    }

    @Test("nobody who may only read the keys and their folder can keep them from being changed")
    func isNotHeldUp() async throws {
        let sample = SampleFile()
        try sample.add("1")
        for path in [sample.folder.path, sample.file.path] {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            try #require(descriptor >= 0 && flock(descriptor, LOCK_EX) == 0)
            // Lets go in the end, so that the test fails and does not hang.
            let holder = Task {
                try? await Task.sleep(for: .seconds(5))
                close(descriptor)
            }
            let start = ContinuousClock.now
            try await Task.detached { try sample.file.change { _ in } }.value
            #expect(ContinuousClock.now - start < .seconds(4))
            holder.cancel()
            await holder.value
        }
        let lock = "\(sample.file.path).lock"
        let mode = try FileManager.default.attributesOfItem(atPath: lock)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func revokesByName() throws {
        let sample = SampleFile()
        try sample.add("1")
        try sample.add("2")
        var found: [Bool] = []
        try sample.file.change { list in
            found.append(list.revoke("1"))
            found.append(list.revoke("1"))
        }
        #expect(found == [true, false])
        #expect(try sample.file.read().keys.map(\.name) == ["2"])
    }
}
