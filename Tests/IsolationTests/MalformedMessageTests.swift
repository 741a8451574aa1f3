import CLinux
import Foundation
import Glibc
import LaunchProtocol
import Linux
import Testing

@testable import Isolation

/// A driving process that was broken into says whatever it likes: the launcher stays, and gives no more than it was set to.
extension EngineTests {
    @Suite("Malformed messages")
    struct MalformedMessages {
        /// Messages to the launcher; a million by hand (BULKHEAD_MALFORMED=1000000).
        private static let count =
            Int(ProcessInfo.processInfo.environment["BULKHEAD_MALFORMED"] ?? "")
            ?? (TestHost.isVirtual ? 5_000 : 50_000)

        private struct Generator: RandomNumberGenerator {
            var state: UInt64
            mutating func next() -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state ^ state >> 33
            }
        }

        private static func noise(upTo most: Int, using generator: inout Generator) -> [UInt8] {
            (0..<Int.random(in: 1...most, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }

        /// Bytes that look like a message, with one to three of them changed, added or taken away.
        private static func mutated(_ bytes: [UInt8], using generator: inout Generator) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            return bytes
        }

        @Test("the launcher refuses them one by one, and the next job has every protection")
        func launcher() async throws {
            let test = try TestEngine.start(slots: 2)
            let before = try #require(HostProcess(pid: test.connection.pid))
            var generator = Generator(state: 11)
            for _ in 0..<Self.count {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: try test.connection.send(Self.noise(upTo: 64, using: &generator))
                case 1: try test.connection.send(Self.noise(upTo: 1_024, using: &generator))
                case 2:
                    try test.connection.send(
                        Self.mutated(ControlRequest.killSlot(slot: 900).encoded(), using: &generator))
                default:
                    // Never of a kind that opens a slot: that is a message with the agreed form, and costs its time.
                    var bytes = Self.mutated(
                        ControlRequest.openSlot(image: 200, policy: 200).encoded(), using: &generator)
                    if bytes.count == 3, bytes[0] == 1 { bytes.append(0) }
                    try test.connection.send(bytes)
                }
            }
            let outcome = try await test.probe("observe")
            #expect(outcome.ending == .exited(0))
            #expect(outcome.values("Seccomp") == ["2"])
            #expect(outcome.values("CapBnd") == ["0000000000000000"])
            #expect(outcome.values("NoNewPrivs") == ["1"])
            #expect(outcome.values("fd") == ["0", "1", "2"])
            let after = try #require(HostProcess(pid: test.connection.pid))
            #expect(after.status("Threads") == "1")
            #expect(after.session == before.session)
            await test.engine.shutDown()
        }

        @Test(
            "images, policies and slots that there are not are refused, and more slots than there may be are not made")
        func outOfRange() async throws {
            let test = try TestEngine.start(slots: 1)
            for (image, policy) in [(2, 0), (255, 0), (0, try TestEngine.policies().count), (0, 255)] {
                await #expect(throws: IsolationError.self) {
                    _ = try await test.connection.openSlot(image: image, policy: policy)
                }
            }
            // Unasked answers are let go of, and with them their slots.
            for _ in 0..<200 { try test.connection.send(ControlRequest.openSlot(image: 1, policy: 0).encoded()) }
            for index: UInt16 in 0..<300 { try test.connection.send(ControlRequest.killSlot(slot: index).encoded()) }
            #expect(HostProcess.children(of: test.connection.pid).count <= 2)
            #expect(
                try await TestHost.eventually(within: 30) { HostProcess.children(of: test.connection.pid).isEmpty })
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            await test.engine.shutDown()
        }

        @Test("a slot ends its sandbox with the conversation, and nothing runs beside it")
        func slot() async throws {
            let test = try TestEngine.start(slots: 2)
            let canary = "/tmp/bulkhead-canary-\(getpid())"
            defer { unlink(canary) }
            var limits = TestEngine.standard
            limits.wallTime = TestHost.milliseconds(200)
            let start = SlotRequest.start(
                JobStart(arguments: [Array("/bin/probe".utf8), Array("wait".utf8)], environment: [], limits: limits)
            ).encoded()
            let ahead = SlotRequest.startAhead(
                JobStart(arguments: [Array("/bin/probe".utf8), Array("wait".utf8)], environment: [], limits: limits),
                opens: "main"
            ).encoded()
            var generator = Generator(state: 12)
            for round in 0..<(TestHost.isVirtual ? 10 : 60) {
                let opened = try await test.connection.openSlot(image: 1, policy: 0)
                let socket = Descriptor(owning: opened.socket)
                for _ in 0..<50 {
                    let bytes =
                        switch Int.random(in: 0..<5, using: &generator) {
                        case 0: Self.noise(upTo: 300, using: &generator)
                        case 1: Self.mutated(start, using: &generator)
                        case 4: Self.mutated(ahead, using: &generator)
                        case 2:
                            Self.mutated(
                                SlotRequest.file(path: "../../..\(canary)", begins: true, executable: true, bytes: [1])
                                    .encoded(), using: &generator)
                        default: round.isMultiple(of: 2) ? start : SlotRequest.release(next: 1).encoded()
                        }
                    // EPIPE: the slot has ended the conversation.
                    if bk_send(socket.raw, bytes, UInt64(bytes.count), nil, 0) < 0 { break }
                }
                // What runs meanwhile is the launcher, its slots, their inits, and jobs in their sandboxes.
                for process in HostProcess.children(of: test.connection.pid) {
                    #expect(process.command == "bulkhead-launch")
                }
            }
            #expect(!SmallFile.exists(canary))
            #expect(
                try await TestHost.eventually(within: 30) { HostProcess.children(of: test.connection.pid).isEmpty })
            #expect(try await test.probe("exit", "3").ending == .exited(3))
            await test.engine.shutDown()
        }
    }
}
