import LaunchProtocol

/// Random numbers that are the same in every run (SplitMix64).
struct FixedGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func bytes(upTo count: Int) -> [UInt8] {
        (0..<Int.random(in: 0...count, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// One of each message, and a way to make it of bytes without knowing its kind.
enum Samples {
    static let limits = ResourceLimits(
        wallTime: 1, cpuTime: 2, memory: 3, processes: 4, fileSize: 5, disk: 6, inodes: 7, openFiles: 8, milliCPUs: 9)

    static let largeLimits = ResourceLimits(
        wallTime: .max, cpuTime: .max, memory: .max, processes: .max, fileSize: .max, disk: .max, inodes: .max,
        openFiles: .max, milliCPUs: .max)

    static let report = SandboxReport(
        waitStatus: 139, fired: [.cpuTime, .output], firedAt: 1 << 39, wallTime: 1 << 40, cpuTime: .max, memoryPeak: 3,
        oomKills: 4,
        processLimitHits: 5, processPeak: 6, throttled: 7, diskFree: 8, inodesFree: 9,
        calls: [
            .init(number: 41, count: 1_000, isDenied: true), .init(number: 72, count: .max, isDenied: false),
        ])

    static let emptyReport = SandboxReport(
        waitStatus: nil, fired: [], wallTime: 0, cpuTime: 0, memoryPeak: 0, oomKills: 0, processLimitHits: 0,
        processPeak: nil, throttled: 0, diskFree: 0, inodesFree: 0)

    static let start = JobStart(
        arguments: [Array("/bin/true".utf8), [], [0xFF, 0x80]], environment: [Array("A=ü".utf8)], limits: limits)

    static let configuration = LauncherConfiguration(
        instance: "i0", initUser: 1_900_000_001, firstJobUser: 1_900_000_016, slots: 8, maximum: limits,
        standard: limits, hierarchy: .legacy, cgroupFolders: ["/a", "/b", "/c", "/d"], unifiedAccounting: true,
        mountFolder: "/run/bulkhead/instances/i0", images: ["/images/ü", "/x"], mostWatchedCalls: 7,
        coreScheduling: true, terminal: true, filters: 3)

    static let controlRequests: [ControlRequest] = [
        .openSlot(image: 0, policy: 255), .killSlot(slot: 0), .killSlot(slot: .max), .ask,
    ]

    static let controlReplies: [ControlReply] =
        [
            .ready, .slotOpened(slot: 300), .slotClosed(slot: 7), .answer,
            .failed(StepFailure(.openCgroup, errno: 2), detail: "ü"),
        ]
        + SetupStep.allCases.map { .slotRefused(StepFailure($0, errno: .max)) }

    static let slotRequests: [SlotRequest] = [
        .file(path: "a/b", begins: true, executable: false, bytes: [1, 2, 3]),
        .file(path: "", begins: false, executable: true, bytes: []), .start(start), .stop(.output), .stop(.cancelled),
        .collect(patterns: patterns("*.o", "x", "**/ü?/.*"), maximumBytes: .max, maximumFiles: 3),
        .collect(patterns: [], maximumBytes: 0, maximumFiles: 0), .release(next: .max),
        .startAhead(start, opens: "main.ü"),
    ]

    private static func patterns(_ texts: String...) -> [PathPattern] {
        do {
            return try texts.map { try PathPattern($0) }
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static let slotReplies: [SlotReply] =
        [
            .parked(number: 7), .startedAhead(number: .max, memory: 1 << 40),
            .notStartedAhead(number: 0, StepFailure(.startRuntime, errno: 110)),
            .notSetUp(StepFailure(.prepareUserNamespace, errno: 1)),
            .failed(StepFailure(.execve, errno: -1)), .ended(report), .ended(emptyReport),
            .file(name: "x", begins: true, executable: true, bytes: [0]), .collected(unlisted: 0),
            .collected(unlisted: .max),
        ] + SkipReason.allCases.map { .skipped(path: [0xFF, 0x0A], reason: $0, bytes: .max) }

    /// Every kind of decoder: gives the encoding of what it took, or nil where it refused.
    static let decoders: [(name: String, decode: @Sendable ([UInt8]) -> [UInt8]?)] = [
        ("ControlRequest", { try? ControlRequest(decoding: $0).encoded() }),
        ("ControlReply", { try? ControlReply(decoding: $0).encoded() }),
        ("SlotRequest", { try? SlotRequest(decoding: $0).encoded() }),
        ("SlotReply", { try? SlotReply(decoding: $0).encoded() }),
        ("LauncherConfiguration", { try? LauncherConfiguration(decoding: $0).encoded() }),
        (
            "JobStart",
            { bytes in
                var reader = ByteReader(bytes)
                guard let start = try? JobStart(from: &reader), (try? reader.end()) != nil else { return nil }
                var writer = ByteWriter()
                start.write(to: &writer)
                return writer.bytes
            }
        ),
    ]

    static var encodings: [[UInt8]] {
        var writer = ByteWriter()
        start.write(to: &writer)
        return controlRequests.map { $0.encoded() } + controlReplies.map { $0.encoded() }
            + slotRequests.map { $0.encoded() } + slotReplies.map { $0.encoded() } + [
                configuration.encoded(), writer.bytes,
            ]
    }
}
