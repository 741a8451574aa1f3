/// The most bytes of one message on any of the sockets. A file's content travels in several.
public let maximumMessageSize = 128 << 10

/// What the driving process asks of the launcher.
public enum ControlRequest: Equatable, Sendable {
    /// A further slot, bound to an image and a policy by index. Answered by `slotOpened` or `slotRefused`.
    case openSlot(image: UInt8, policy: UInt8)
    /// Ends a slot that does not answer, and with it whatever runs in it. Answered by `slotClosed`.
    case killSlot(slot: UInt16)
    /// Whether the launcher takes messages. Answered by `answer`.
    case ask

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .openSlot(let image, let policy):
            writer.put(UInt8(1))
            writer.put(image)
            writer.put(policy)
        case .killSlot(let slot):
            writer.put(UInt8(2))
            writer.put(slot)
        case .ask:
            writer.put(UInt8(3))
        }
        return writer.bytes
    }

    public init(decoding bytes: some Collection<UInt8>) throws(MalformedMessage) {
        var reader = ByteReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1: self = .openSlot(image: try reader.number(), policy: try reader.number())
        case 2: self = .killSlot(slot: try reader.number())
        case 3: self = .ask
        default: throw MalformedMessage("unknown request to the launcher")
        }
        try reader.end()
    }
}

/// What the launcher tells the driving process.
public enum ControlReply: Equatable, Sendable {
    /// The launcher is set up.
    case ready
    /// A slot exists; its socket comes with this message.
    case slotOpened(slot: UInt16)
    /// No slot could be made.
    case slotRefused(StepFailure)
    /// A slot's process has ended and its control groups are gone.
    case slotClosed(slot: UInt16)
    /// The launcher itself could not be set up and ends.
    case failed(StepFailure, detail: String)
    /// The answer to `ask`.
    case answer

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .ready:
            writer.put(UInt8(1))
        case .slotOpened(let slot):
            writer.put(UInt8(2))
            writer.put(slot)
        case .slotRefused(let failure):
            writer.put(UInt8(3))
            failure.write(to: &writer)
        case .slotClosed(let slot):
            writer.put(UInt8(4))
            writer.put(slot)
        case .failed(let failure, let detail):
            writer.put(UInt8(5))
            failure.write(to: &writer)
            writer.put(detail)
        case .answer:
            writer.put(UInt8(6))
        }
        return writer.bytes
    }

    public init(decoding bytes: some Collection<UInt8>) throws(MalformedMessage) {
        var reader = ByteReader(bytes)
        switch try reader.number(UInt8.self) {
        case 1: self = .ready
        case 2: self = .slotOpened(slot: try reader.number())
        case 3: self = .slotRefused(try StepFailure(from: &reader))
        case 4: self = .slotClosed(slot: try reader.number())
        case 5: self = .failed(try StepFailure(from: &reader), detail: try reader.string())
        case 6: self = .answer
        default: throw MalformedMessage("unknown reply of the launcher")
        }
        try reader.end()
    }
}

extension StepFailure {
    func write(to writer: inout ByteWriter) {
        writer.put(step.rawValue)
        writer.put(errno)
    }

    init(from reader: inout ByteReader) throws(MalformedMessage) {
        guard let step = SetupStep(rawValue: try reader.number()) else { throw MalformedMessage("unknown step") }
        self.init(step, errno: try reader.number())
    }
}
