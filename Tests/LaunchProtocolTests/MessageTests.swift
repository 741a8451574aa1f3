import LaunchProtocol
import Testing

@Suite("Messages")
struct MessageTests {
    @Test("every message comes back as it was sent")
    func roundTrips() throws {
        for message in Samples.controlRequests { #expect(try ControlRequest(decoding: message.encoded()) == message) }
        for message in Samples.controlReplies { #expect(try ControlReply(decoding: message.encoded()) == message) }
        for message in Samples.slotRequests { #expect(try SlotRequest(decoding: message.encoded()) == message) }
        for message in Samples.slotReplies { #expect(try SlotReply(decoding: message.encoded()) == message) }
        let configuration = try LauncherConfiguration(decoding: Samples.configuration.encoded())
        #expect(configuration == Samples.configuration)
    }

    @Test("numbers of every width, at their edges")
    func numbers() throws {
        func check<Number: FixedWidthInteger>(_ type: Number.Type) throws {
            for value in [Number.min, .max, 0, 1, Number.max / 3] {
                var writer = ByteWriter()
                writer.put(value)
                #expect(writer.bytes.count == MemoryLayout<Number>.size)
                var reader = ByteReader(writer.bytes)
                #expect(try reader.number(type) == value)
                try reader.end()
            }
        }
        try check(UInt8.self)
        try check(Int8.self)
        try check(UInt16.self)
        try check(Int32.self)
        try check(UInt32.self)
        try check(Int64.self)
        try check(UInt64.self)
        var writer = ByteWriter()
        writer.put(UInt32(0x0102_0304))
        #expect(writer.bytes == [4, 3, 2, 1])
    }

    @Test("a part of a message is none, and neither is one with a byte too many")
    func wholeOnly() {
        for bytes in Samples.encodings {
            for (name, decode) in Samples.decoders {
                guard decode(bytes) != nil else { continue }
                #expect(decode(bytes + [0]) == nil, "\(name)")
                for length in 0..<bytes.count { #expect(decode(Array(bytes.prefix(length))) == nil, "\(name)") }
            }
        }
    }

    @Test("an unknown kind, step, reason or truth value is refused")
    func unknown() {
        for kind in UInt8(7)...255 {
            for (name, decode) in Samples.decoders { #expect(decode([kind]) == nil, "\(name)") }
        }
        #expect(throws: MalformedMessage.self) { try SlotRequest(decoding: [3, 3]) }
        #expect(throws: MalformedMessage.self) { try ControlReply(decoding: [3, 255, 0, 0, 0, 0]) }
        var file = SlotRequest.file(path: "", begins: true, executable: true, bytes: []).encoded()
        file[5] = 2
        #expect(throws: MalformedMessage("a truth value is neither 0 nor 1")) { try SlotRequest(decoding: file) }
    }

    @Test("a length is believed only so far as bytes are there")
    func lengths() {
        // A file whose path says four gigabytes.
        #expect(throws: MalformedMessage("ends within bytes")) {
            try SlotRequest(decoding: [1, 255, 255, 255, 255, 1, 2, 3])
        }
        // Texts that say they are 65,535.
        #expect(throws: MalformedMessage("65535 texts where 64 may be")) { try SlotRequest(decoding: [4, 255, 255]) }
        #expect(throws: MalformedMessage.self) { try SlotRequest(decoding: [4, 65, 0]) }
    }

    @Test("the most and longest patterns fit into one message, and one that leads elsewhere is refused")
    func patterns() throws {
        let text = String(repeating: String(repeating: "a", count: 204) + "/", count: 5)
        let longest = try PathPattern(String(text.dropLast()))
        #expect(longest.text.utf8.count == PathPattern.mostBytes)
        let all = SlotRequest.collect(
            patterns: Array(repeating: longest, count: SlotRequest.maximumPatterns), maximumBytes: 1, maximumFiles: 1)
        #expect(all.encoded().count <= maximumMessageSize)
        let sound = SlotRequest.collect(patterns: [try PathPattern("ab/x")], maximumBytes: 1, maximumFiles: 1).encoded()
        let unsound = sound.map { $0 == UInt8(ascii: "a") || $0 == UInt8(ascii: "b") ? UInt8(ascii: ".") : $0 }
        #expect(throws: MalformedMessage.self) { try SlotRequest(decoding: unsound) }
    }

    @Test("text is UTF-8")
    func text() {
        #expect(throws: MalformedMessage("text is not UTF-8")) {
            try SlotRequest(decoding: [1, 1, 0, 0, 0, 0xFF, 1, 1, 0, 0, 0, 0])
        }
    }

    @Test("a program that cannot be one is refused")
    func programs() {
        func decodes(_ arguments: [[UInt8]], _ environment: [[UInt8]] = []) -> Bool {
            let start = JobStart(arguments: arguments, environment: environment, limits: Samples.limits)
            return (try? SlotRequest(decoding: SlotRequest.start(start).encoded())) != nil
        }
        let program = Array("/bin/true".utf8)
        #expect(decodes([program]))
        #expect(!decodes([]))
        #expect(!decodes([[]]))
        #expect(!decodes([Array("bin/true".utf8)]))
        #expect(!decodes([Array("/bin/true\u{0}".utf8)]))
        #expect(!decodes([program, [0]]))
        #expect(!decodes([program], [Array("A=\u{0}".utf8)]))
        #expect(decodes([program] + Array(repeating: [1], count: 255)))
        #expect(!decodes([program] + Array(repeating: [1], count: 256)))
        #expect(!decodes([program], Array(repeating: [1], count: 257)))
    }

    @Test("a step's name is words, and every raw value is one step's")
    func steps() {
        #expect(SetupStep.mountProc.name == "mount proc")
        #expect(SetupStep.execve.name == "execve")
        #expect(StepFailure(.mapUser, errno: 1).description == "map user: errno 1")
        #expect(Set(SetupStep.allCases.map(\.rawValue)).count == SetupStep.allCases.count)
        #expect(Set(SetupStep.allCases.map(\.name)).count == SetupStep.allCases.count)
        #expect(SetupStep.allCases.map { Int($0.rawValue) } == Array(0..<SetupStep.allCases.count))
    }
}

@Suite("Limits")
struct LimitsTests {
    private static let fields: [@Sendable (inout ResourceLimits, UInt64) -> Void] = [
        { $0.wallTime = $1 }, { $0.cpuTime = $1 }, { $0.memory = $1 },
        { $0.processes = UInt32(truncatingIfNeeded: $1) },
        { $0.fileSize = $1 }, { $0.disk = $1 }, { $0.inodes = UInt32(truncatingIfNeeded: $1) },
        { $0.openFiles = UInt32(truncatingIfNeeded: $1) }, { $0.milliCPUs = UInt32(truncatingIfNeeded: $1) },
    ]

    @Test("within means every one from 1 to the maximum: a single one outside is enough")
    func within() {
        var generator = FixedGenerator(seed: 1)
        for _ in 0..<2_000 {
            var maximum = Samples.limits
            var limits = Samples.limits
            for field in Self.fields {
                let most = UInt64.random(in: 1...1_000_000, using: &generator)
                field(&maximum, most)
                field(&limits, UInt64.random(in: 1...most, using: &generator))
            }
            #expect(limits.isWithin(maximum))
            #expect(maximum.isWithin(maximum))
            for field in Self.fields {
                var outside = limits
                field(&outside, 0)
                #expect(!outside.isWithin(maximum))
                field(&outside, 1_000_001 + UInt64.random(in: 0...1_000, using: &generator))
                #expect(!outside.isWithin(maximum))
            }
        }
        #expect(Samples.largeLimits.isWithin(Samples.largeLimits))
        #expect(!Samples.largeLimits.isWithin(Samples.limits))
    }
}

@Suite("The launcher's configuration")
struct ConfigurationTests {
    private func refusal(_ change: (inout LauncherConfiguration) -> Void) -> String? {
        var configuration = Samples.configuration
        change(&configuration)
        do {
            _ = try LauncherConfiguration(decoding: configuration.encoded())
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("a uid of a host account, of init in the jobs' range, or beyond 32 bits is refused")
    func users() {
        #expect(refusal { $0.initUser = LauncherConfiguration.leastUser } == nil)
        #expect(refusal { $0.initUser = LauncherConfiguration.leastUser - 1 } == "uid range")
        #expect(refusal { $0.initUser = 0 } == "uid range")
        #expect(refusal { $0.firstJobUser = $0.initUser } == "uid range")
        #expect(refusal { $0.firstJobUser = 1_000 } == "uid range")
        #expect(refusal { $0.firstJobUser = .max } == "uid range")
        #expect(refusal { $0.firstJobUser = .max - 8 } == "uid range")
        #expect(refusal { $0.firstJobUser = .max - 9 } == nil)
        #expect(refusal { $0.slots = 0 } == "uid range")
    }

    @Test("counts that do not fit together are refused")
    func counts() {
        #expect(refusal { $0.cgroupFolders = ["/a"] } == "wrong number of cgroup folders")
        #expect(refusal { $0.hierarchy = .unified } == "wrong number of cgroup folders")
        #expect(refusal { $0.cgroupFolders = Array(repeating: "/a", count: 5) } != nil)
        #expect(refusal { $0.filters = 1 } == "no filter or no image")
        #expect(refusal { $0.images = [] } == "no filter or no image")
        #expect(refusal { $0.images = Array(repeating: "/a", count: 65) } == "65 texts where 64 may be")
        #expect(
            refusal {
                $0.hierarchy = .unified
                $0.cgroupFolders = ["/a"]
            } == nil)
    }

    @Test("standard limits lie within the maximum")
    func limits() {
        #expect(refusal { $0.standard.memory += 1 } == "standard limits above the maximum")
        #expect(refusal { $0.standard.processes = 0 } == "standard limits above the maximum")
    }

    @Test("another version is told apart")
    func version() {
        var bytes = Samples.configuration.encoded()
        bytes[0] ^= 3
        #expect(throws: MalformedMessage("bulkhead and bulkhead-launcher are of different versions")) {
            try LauncherConfiguration(decoding: bytes)
        }
    }
}
