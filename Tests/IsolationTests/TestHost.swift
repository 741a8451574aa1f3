import Foundation
import Glibc
import Isolation
import LaunchProtocol
import Linux
import Seccomp
import Testing

/// Where the tests run, and what they need from there.
enum TestHost {
    /// Whether the tests that need root and a kernel run; says so once where they do not.
    static let isPrivileged: Bool = {
        if geteuid() == 0 { return true }
        print("privileged suite skipped: needs root")
        return false
    }()

    /// How much slower than a usual machine this one is: every deadline is stretched by it.
    static let timeScale = UInt64(ProcessInfo.processInfo.environment["BULKHEAD_TIME_SCALE"] ?? "") ?? 1

    static let isVirtual = ProcessInfo.processInfo.environment["BULKHEAD_VM"] == "1"

    static let stateFolder = ProcessInfo.processInfo.environment["BULKHEAD_STATE_DIR"] ?? "/var/lib/bulkhead"

    /// Where the built products are: beside the binary that runs the tests.
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    static let launcher =
        ProcessInfo.processInfo.environment["BULKHEAD_LAUNCHER"]
        ?? products.appendingPathComponent("bulkhead-launcher").path

    static let driver = products.appendingPathComponent("bulkhead-test-driver").path

    static let policies = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("policies").path

    /// Docker's default profile as Debian packages it; nil where scripts/packages.sh has not fetched it, and says so.
    static let dockerProfile: SeccompPolicy? = {
        let path = URL(fileURLWithPath: policies).deletingLastPathComponent()
            .appendingPathComponent(".build/profiles/docker.json").path
        guard let json = FileManager.default.contents(atPath: path) else {
            print("privileged suite skipped: needs \(path) (scripts/packages.sh test)")
            return nil
        }
        do { return try SeccompPolicy(json: json) } catch {
            Issue.record("\(path): \(error)")
            return nil
        }
    }()

    static func policy(_ name: String) throws -> SeccompPolicy {
        try SeccompPolicy(json: Data(contentsOf: URL(fileURLWithPath: "\(policies)/\(name).json")))
    }

    /// Milliseconds as the limits have them, stretched.
    static func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 * timeScale }

    /// Waits for what another process brings about.
    static func eventually(
        within seconds: UInt64 = 10, _ condition: () throws -> Bool
    ) async throws -> Bool {
        let deadline = MonotonicClock.now + milliseconds(seconds * 1_000)
        while MonotonicClock.now < deadline {
            if try condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try condition()
    }
}

/// The bytes of the probe (Tests/Fixtures/probe), and an image that holds nothing else.
enum Probe {
    static let path = TestHost.products.appendingPathComponent("bulkhead-test-probe").path

    /// Removed again when the tests end.
    static let image: String = {
        let folder = "/tmp/bulkhead-tests-\(getpid())"
        do {
            try FileManager.default.createDirectory(atPath: "\(folder)/bin", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: "\(folder)/etc", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: path, toPath: "\(folder)/bin/probe")
            try Data("job:x:1000:1000::/box:/bin/probe\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/etc/passwd"))
        } catch {
            Issue.record("no image for the probe: \(error)")
        }
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/bulkhead-tests-\(getpid())") }
        return folder
    }()

    /// The probe as a file to hand to a job of another image.
    static let file = Task {
        SandboxConfiguration.File(
            path: "probe", contents: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), isExecutable: true)
    }
}

/// An engine under test, with the default image and the probe's.
struct TestEngine: Sendable {
    enum Image: Int {
        case `default` = 0
        case probe = 1
    }

    /// By the index of ``Policy``.
    static func policies() throws -> [SeccompPolicy] {
        try ["default", "compiled", "compiler"].map(TestHost.policy) + (TestHost.dockerProfile.map { [$0] } ?? [])
    }

    /// The policies of ``start(slots:onFailure:)`` by index; Docker's only where it was fetched.
    enum Policy: Int {
        case `default` = 0
        case compiled = 1
        case compiler = 2
        case docker = 3
    }

    let engine: Engine
    let connection: LauncherConnection

    static let standard = ResourceLimits(
        wallTime: TestHost.milliseconds(10_000), cpuTime: TestHost.milliseconds(5_000), memory: 128 << 20,
        processes: 64, fileSize: 16 << 20, disk: 64 << 20, inodes: 4_096, openFiles: 256, milliCPUs: 1_000)

    static let maximum = ResourceLimits(
        wallTime: TestHost.milliseconds(60_000), cpuTime: TestHost.milliseconds(60_000), memory: 1 << 30,
        processes: 256, fileSize: 64 << 20, disk: 256 << 20, inodes: 65_536, openFiles: 1_024, milliCPUs: 4_000)

    /// The one that most tests share. It ends with this process, as the launcher does when nobody drives it.
    private static let sharedStart = Task { try TestEngine.start(slots: 3) }

    static func shared() async throws -> TestEngine { try await sharedStart.value }

    static func start(
        slots: Int, spareSlots: Int = 0, mostWatchedCalls: UInt32 = EngineConfiguration.usualWatchedCalls,
        aheadMemory: UInt64 = 0,
        aheadPatience: Duration = .seconds(60), onFailure: (@Sendable (IsolationError) -> Void)? = nil,
        onAheadFailure: (@Sendable (IsolationError) -> Void)? = nil,
        onTrouble: (@Sendable (IsolationError?) -> Void)? = nil
    ) throws -> TestEngine {
        let connection = try Starter.start(
            EngineConfiguration(
                launcher: TestHost.launcher,
                images: ["\(TestHost.stateFolder)/images/default/current/rootfs", Probe.image],
                initPolicy: try TestHost.policy("init"), policies: try policies(), slots: slots, spareSlots: spareSlots,
                maximum: maximum, standard: standard, mostWatchedCalls: mostWatchedCalls))
        let engine = Engine(
            launcher: connection, aheadMemory: aheadMemory, aheadPatience: aheadPatience,
            onFailure: onFailure, onAheadFailure: onAheadFailure, onTrouble: onTrouble)
        return TestEngine(engine: engine, connection: connection)
    }

    /// Runs the probe.
    func probe(
        _ arguments: String..., in image: Image = .probe, input: [UInt8] = [], environment: [String: String] = [:],
        files: [SandboxConfiguration.File] = [], outputLimit: Int = 1 << 20, collect: [String] = [],
        collectLimit: Int = 0, change: (inout ResourceLimits) -> Void = { _ in }, onOutput: OutputObserver? = nil
    ) async throws -> Outcome {
        var files = files
        if image == .default { files.append(try await Probe.file.value) }
        return try await run(
            [image == .default ? "/box/probe" : "/bin/probe"] + arguments, in: image, input: input,
            environment: environment, files: files, outputLimit: outputLimit, collect: collect,
            collectLimit: collectLimit, change: change, onOutput: onOutput)
    }

    func run(
        _ command: [String], in image: Image = .default, under policy: Policy = .default, input: [UInt8] = [],
        environment: [String: String] = [:],
        files: [SandboxConfiguration.File] = [], outputLimit: Int = 1 << 20, collect: [String] = [],
        collectLimit: Int = 0, ahead: SandboxConfiguration.Ahead? = nil,
        change: (inout ResourceLimits) -> Void = { _ in }, onOutput: OutputObserver? = nil
    ) async throws -> Outcome {
        var limits = Self.standard
        change(&limits)
        return try await engine.run(
            SandboxConfiguration(
                image: image.rawValue, policy: policy.rawValue, arguments: command, environment: environment,
                files: files,
                standardInput: .bytes(input), limits: limits, outputLimit: outputLimit, collect: collect,
                collectLimit: collectLimit, ahead: ahead), onOutput: onOutput)
    }
}

extension Outcome {
    var text: String { String(decoding: standardOutput.bytes, as: UTF8.self) }
    var errorText: String { String(decoding: standardError.bytes, as: UTF8.self) }

    /// What the probe said for `key`, in order.
    func values(_ key: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            line.hasPrefix("\(key)=") ? String(line.dropFirst(key.utf8.count + 1)) : nil
        }
    }
}

/// The tests that start an engine. One at a time: they count processes, groups and time.
@Suite("Engine", .serialized, .enabled(if: TestHost.isPrivileged))
enum EngineTests {}
