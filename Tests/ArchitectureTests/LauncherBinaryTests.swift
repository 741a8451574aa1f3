import Foundation
import Glibc
import Testing

/// The built launcher: what is in the file, and whom it lets start it.
@Suite("The launcher's binary")
struct LauncherBinaryTests {
    private static let path =
        ProcessInfo.processInfo.environment["BULKHEAD_LAUNCHER"]
        ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("bulkhead-launcher").path

    private func number<Number: FixedWidthInteger>(_ bytes: Data, _ offset: Int, _ type: Number.Type) throws -> Number {
        try #require(offset + MemoryLayout<Number>.size <= bytes.count)
        return (0..<MemoryLayout<Number>.size).reduce(Number(0)) { value, index in
            value | Number(truncatingIfNeeded: bytes[offset + index]) << Number(8 * index)
        }
    }

    @Test("a static ELF: no interpreter, no dynamic section, no executable stack")
    func isStatic() throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.path))
        // elf(5): 64 bit, little endian.
        #expect(Array(bytes.prefix(6)) == [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        let table = Int(try number(bytes, 32, UInt64.self))
        let size = Int(try number(bytes, 54, UInt16.self))
        let count = Int(try number(bytes, 56, UInt16.self))
        #expect(count > 0)
        var types: [UInt32] = []
        for index in 0..<count {
            let header = table + index * size
            let type = try number(bytes, header, UInt32.self)
            types.append(type)
            // PT_GNU_STACK, PF_X.
            if type == 0x6474_E551 { #expect(try number(bytes, header + 4, UInt32.self) & 1 == 0) }
        }
        #expect(types.contains(1), "PT_LOAD")
        #expect(!types.contains(3), "PT_INTERP")
        #expect(!types.contains(2), "PT_DYNAMIC")
        #expect(types.contains(0x6474_E551), "PT_GNU_STACK")
    }

    @Test(
        "no code that parses what strangers send, and none that makes threads of its own accord",
        arguments: [
            "$s10Foundation", "$s13FoundationEss", "JSONDecoder", "JSONEncoder", "JSONSerialization", "HTTPTypes",
            "NIOCore", "Hummingbird", "redisCommand", "curl_easy", "getaddrinfo", "dispatch_async", "swift_task_create",
            "seccomp_rule_add",
        ])
    func symbols(name: String) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.path))
        #expect(bytes.range(of: Data(name.utf8)) == nil)
        // The search itself finds what is there.
        #expect(bytes.range(of: Data("bulkhead_launcher".utf8)) != nil)
    }

    @Test("no way to leave a protection out: neither the built launcher nor the shipped one is a sabotage build")
    func isComplete() throws {
        let folder = URL(fileURLWithPath: Self.path).deletingLastPathComponent().deletingLastPathComponent()
        let shipped = folder.appendingPathComponent("release/bulkhead-launcher").path
        for path in [Self.path, shipped] where FileManager.default.fileExists(atPath: path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            // What a sabotage build says at its start, in a string too long to be inlined into code.
            #expect(bytes.range(of: Data("SABOTAGED: this launcher leaves out".utf8)) == nil, "\(path)")
            #expect(bytes.range(of: Data("must be started as root, by bulkhead".utf8)) != nil, "\(path)")
        }
    }

    /// Runs the launcher by itself and gives its exit code and what it said.
    private func run(environment: [String: String], asUser user: uid_t? = nil) throws -> (code: Int32, said: String) {
        let process = Process()
        if let user {
            // setpriv is part of util-linux, which every Debian has.
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--reuid", "\(user)", "--clear-groups", "--", "/proc/self/fd/0"]
            process.standardInput = FileHandle(forReadingAtPath: Self.path)
        } else {
            process.executableURL = URL(fileURLWithPath: Self.path)
        }
        process.environment = environment
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }

    @Test("it refuses an environment", .enabled(if: geteuid() == 0))
    func environment() throws {
        let result = try run(environment: ["A": "b"])
        #expect(result.code == 1)
        #expect(result.said == "bulkhead-launcher: must be started with an empty environment, by bulkhead\n")
    }

    @Test("it refuses whoever is not root")
    func user() throws {
        let result = try run(environment: [:], asUser: geteuid() == 0 ? 65_534 : nil)
        #expect(result.code == 1)
        #expect(result.said == "bulkhead-launcher: must be started as root, by bulkhead\n")
    }

    @Test("it refuses to start without what only bulkhead hands over", .enabled(if: geteuid() == 0))
    func byHand() throws {
        let result = try run(environment: [:])
        #expect(result.code == 1)
        #expect(result.said.hasPrefix("bulkhead-launcher: read configuration: "))
    }
}
