import LaunchProtocol
import Testing

@testable import Isolation
@testable import Worker

@Suite("Compile key")
struct CompileKeyTests {
    private static let configuration = SandboxConfiguration(
        image: 0, policy: 2, arguments: ["/usr/bin/gcc", "main.c"], environment: ["A": "1", "B": "2"],
        files: [.init(path: "main.c", contents: [1, 2]), .init(path: "a.h", contents: [3])],
        limits: ResourceLimits(
            wallTime: 1, cpuTime: 1, memory: 1, processes: 1, fileSize: 1, disk: 1, inodes: 1, openFiles: 1,
            milliCPUs: 1), outputLimit: 1, collect: ["main"])

    private static let contents = EngineContents(images: ["a", "b"], policies: ["c", "d", "e"])

    private func key(
        _ contents: EngineContents = contents, _ edit: (inout SandboxConfiguration) -> Void = { _ in }
    ) -> CompileKey? {
        var configuration = Self.configuration
        edit(&configuration)
        return CompileKey(configuration, contents: contents)
    }

    @Test("whatever the compiler's sandbox is given changes it, and each in a way of its own")
    func everything() throws {
        let edits: [(inout SandboxConfiguration) -> Void] = [
            { $0.image = 1 }, { $0.policy = 1 }, { $0.arguments[1] = "main.d" }, { $0.arguments.append("") },
            { $0.arguments = ["/usr/bin/gccmain.c"] }, { $0.environment["A"] = "2" }, { $0.environment["C"] = "" },
            { $0.environment = ["A": "1B", "": "2"] }, { $0.files[0].contents = [1, 3] }, { $0.files[0].path = "b.c" },
            { $0.files[0].isExecutable = true }, { $0.files[1].contents = [] }, { $0.files.swapAt(0, 1) },
            { $0.files.append(.init(path: "b.h", contents: [])) }, { $0.standardInput = .bytes([0]) },
            { $0.limits.wallTime = 2 }, { $0.limits.cpuTime = 2 }, { $0.limits.memory = 2 },
            { $0.limits.processes = 2 }, { $0.limits.fileSize = 2 }, { $0.limits.disk = 2 }, { $0.limits.inodes = 2 },
            { $0.limits.openFiles = 2 }, { $0.limits.milliCPUs = 2 }, { $0.outputLimit = 2 },
            { $0.endsAtOutputLimit = false }, { $0.collect = ["mai", "n"] }, { $0.collectLimit = 1 },
            { $0.collectCount = 1 }, { $0.collectsAlways = true },
        ]
        let keys = edits.map { key(Self.contents, $0) } + [key()]
        #expect(!keys.contains(nil))
        #expect(Set(keys).count == edits.count + 1)
        // A field that is new there must be in the key, and in the list above; but for the tap, which changes nothing, and
        // the terminal, with which there is no key.
        #expect(Mirror(reflecting: Self.configuration).children.count == 16)
        #expect(Mirror(reflecting: Self.configuration.limits).children.count == 9)
        #expect(Mirror(reflecting: Self.configuration.files[0]).children.count == 3)
    }

    @Test("another content of the image or of the policy changes it, their index alone does not")
    func contents() throws {
        var other = Self.contents
        other.images[0] = "a 2"
        #expect(key(other) != key())
        other = Self.contents
        other.policies[2] = "e 2"
        #expect(key(other) != key())
        let moved = EngineContents(images: ["b", "a"], policies: ["e"])
        #expect(
            key(moved) {
                $0.image = 1
                $0.policy = 0
            } == key())
    }

    @Test("the same twice is the same key")
    func same() {
        #expect(key() == key())
        #expect(key() != nil)
    }

    @Test("there is none where not all is known ahead")
    func none() throws {
        let terminal = try Terminal(size: .init(rows: 1, columns: 1))
        #expect(key(Self.contents) { $0.terminal = terminal } == nil)
        #expect(key(Self.contents) { $0.standardInput = .descriptor(0) } == nil)
        #expect(key(Self.contents) { $0.image = 2 } == nil)
        #expect(key(Self.contents) { $0.ahead = .init(opens: "a", limits: $0.limits) } == nil)
        #expect(key(Self.contents) { $0.policy = 3 } == nil)
    }
}
