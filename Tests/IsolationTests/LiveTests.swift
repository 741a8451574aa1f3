import Isolation
import LaunchProtocol
import Synchronization
import Testing

extension EngineTests {
    /// Output that is looked at, and input that is added to, while the program runs.
    @Suite("Live streams")
    struct LiveTests {
        private func run(
            _ command: [String], _ input: LiveInput, _ tap: OutputTap, outputLimit: Int = 1 << 20
        ) async throws -> Outcome {
            let engine = try await TestEngine.shared()
            return try await engine.engine.run(
                SandboxConfiguration(
                    arguments: command, standardInput: .live(input), limits: TestEngine.standard,
                    outputLimit: outputLimit, tap: tap))
        }

        private func text(_ tap: OutputTap, from offset: Int = 0) -> String {
            String(decoding: tap.bytes(of: .output, from: offset, atMost: 1 << 20), as: UTF8.self)
        }

        @Test("a program reads the beginning, then what is added, then the end")
        func feeds() async throws {
            let taken = Atomic<Int>(0)
            let input = try LiveInput(
                beginning: Array("a\n".utf8), onTaken: { taken.add($0, ordering: .relaxed) }, onBroken: {})
            let tap = OutputTap()
            async let outcome = run(["/bin/cat"], input, tap)
            #expect(try await TestHost.eventually { text(tap) == "a\n" })
            #expect(taken.load(ordering: .relaxed) == 0)
            input.write(Array("b\n".utf8))
            #expect(try await TestHost.eventually { text(tap) == "a\nb\n" })
            #expect(taken.load(ordering: .relaxed) == 2)
            #expect(text(tap, from: 2) == "b\n" && text(tap, from: 4).isEmpty)
            input.write(Array("c\n".utf8))
            input.close()
            let end = try await outcome
            #expect(end.text == "a\nb\nc\n" && end.ending == .exited(0))
        }

        @Test("a program that closes its input is told of, and one that reads nothing takes a pipe's worth")
        func refuses() async throws {
            let taken = Atomic<Int>(0)
            let isBroken = Atomic<Bool>(false)
            func input() throws -> LiveInput {
                try LiveInput(
                    onTaken: { taken.add($0, ordering: .relaxed) },
                    onBroken: { isBroken.store(true, ordering: .relaxed) })
            }
            let closed = try input()
            let tap = OutputTap()
            async let first = run(["/bin/sh", "-c", "exec <&-; echo closed; sleep 0.3"], closed, tap)
            #expect(try await TestHost.eventually { text(tap) == "closed\n" })
            closed.write([1])
            #expect(try await TestHost.eventually { isBroken.load(ordering: .relaxed) })
            _ = try await first
            let idle = try input()
            async let second = run(["/bin/sleep", "0.5"], idle, OutputTap())
            idle.write([UInt8](repeating: 1, count: 200_000))
            #expect(try await second.ending == .exited(0))
            #expect(taken.load(ordering: .relaxed) == 65_536)
        }

        @Test("what is looked at is within the limit of the output")
        func bounded() async throws {
            let input = try LiveInput(onTaken: { _ in }, onBroken: {})
            let tap = OutputTap()
            let end = try await run(["/usr/bin/yes"], input, tap, outputLimit: 1_000)
            #expect(end.ending == .outputLimit)
            #expect(text(tap).utf8.count == 1_000 && end.standardOutput.bytes.count == 1_000)
        }
    }
}
