import Hashing
import Isolation

/// What an engine's images and policies are, where a sandbox's configuration has only their indexes: texts that differ
/// where the content does.
public struct EngineContents: Sendable {
    public var images: [String]
    public var policies: [String]

    public init(images: [String], policies: [String]) {
        self.images = images
        self.policies = policies
    }
}

/// The name of a compilation by all that can change what comes of it: a SHA-256 over the whole of what its sandbox is given,
/// and over what image and policy are.
///
/// Two things are not in it. The time: a product that holds `__DATE__` has the day of the compilation that made it. And
/// chance: a compiler that does not answer the same twice is taken at its first word.
struct CompileKey: Hashable, Sendable {
    private let digest: [UInt8]

    /// - Returns: nil where no name holds what comes of it: standard input that is not known ahead, or an image or policy of
    ///   which nothing is known.
    init?(_ configuration: SandboxConfiguration, contents: EngineContents) {
        // A compiler is never started ahead of its job nor on a terminal, and nothing of that is in the key.
        guard case .bytes(let input) = configuration.standardInput, configuration.ahead == nil,
            configuration.terminal == nil,
            contents.images.indices.contains(configuration.image),
            contents.policies.indices.contains(configuration.policy)
        else { return nil }
        var text = Text()
        text.put(contents.images[configuration.image])
        text.put(contents.policies[configuration.policy])
        text.put(configuration.arguments.count)
        for argument in configuration.arguments { text.put(argument) }
        text.put(configuration.environment.count)
        for (name, value) in configuration.environment.sorted(by: { $0.key < $1.key }) {
            text.put(name)
            text.put(value)
        }
        // In the order given: a folder lists its files in the order in which they were made.
        text.put(configuration.files.count)
        for file in configuration.files {
            text.put(file.path)
            text.put(file.isExecutable ? 1 : 0)
            text.put(file.contents)
        }
        text.put(input)
        let limits = configuration.limits
        for limit in [limits.wallTime, limits.cpuTime, limits.memory, limits.fileSize, limits.disk] { text.put(limit) }
        for limit in [limits.processes, limits.inodes, limits.openFiles, limits.milliCPUs] { text.put(limit) }
        text.put(configuration.outputLimit)
        text.put(configuration.endsAtOutputLimit ? 1 : 0)
        text.put(configuration.collect.count)
        for pattern in configuration.collect { text.put(pattern) }
        text.put(configuration.collectLimit)
        text.put(configuration.collectCount)
        text.put(configuration.collectsAlways ? 1 : 0)
        digest = text.hash.finish()
    }

    /// Values one behind the other, so that no two lists of them have the same bytes: numbers are eight bytes, and what
    /// varies in length begins with it.
    private struct Text {
        var hash = SHA256()

        mutating func put(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).littleEndian) { hash.update(Array($0)) }
        }

        mutating func put(_ bytes: [UInt8]) {
            put(bytes.count)
            hash.update(bytes)
        }

        mutating func put(_ string: String) { put(Array(string.utf8)) }
    }
}
