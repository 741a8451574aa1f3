import CLinux
import Glibc
import LaunchProtocol
import Linux
import Synchronization

/// The driving process's end of the launcher's control socket: asks for slots, and learns when they or the launcher end.
public final class LauncherConnection: Sendable {
    private let socket: Descriptor
    let pid: Int32
    let driverUser: UInt32
    /// The instance's name on this host, such as `i0`.
    public let instance: String
    /// How many jobs run at once.
    public let slots: Int
    /// How many slots more may be kept for what is started ahead.
    let spareSlots: Int

    private struct State {
        /// Who waits for a slot, in the order in which they asked: the launcher answers in order.
        var waiting: [@Sendable (Result<OpenedSlot, IsolationError>) -> Void] = []
        /// Who waits for a sign of life, in the order in which they asked.
        var asking: [@Sendable (Bool) -> Void] = []
        var ended: IsolationError?
        var onEnd: (@Sendable (IsolationError) -> Void)?
        var isListening = false
    }

    private let state = Mutex(State())

    struct OpenedSlot: Sendable {
        var index: UInt16
        var socket: Int32
    }

    init(socket: consuming Descriptor, pid: Int32, driverUser: UInt32, instance: String, slots: Int, spareSlots: Int) {
        self.socket = socket
        self.pid = pid
        self.driverUser = driverUser
        self.instance = instance
        self.slots = slots
        self.spareSlots = spareSlots
    }

    func awaitReady() throws {
        let received = try receive()
        switch received?.reply {
        case .ready: return
        case .failed(let failure, let detail):
            throw IsolationError(.step, "\(IsolationError(failure).message): \(detail)")
        case nil: throw IsolationError(.launcherDied, "the launcher ended while it was being set up")
        default: throw IsolationError(.protocolViolation, "unexpected first message of the launcher")
        }
    }

    /// Starts the thread that reads what the launcher says. `onEnd` is called once, when the launcher is gone.
    func listen(onEnd: @escaping @Sendable (IsolationError) -> Void) {
        state.withLock {
            $0.onEnd = onEnd
            $0.isListening = true
        }
        BlockingThread.start(name: "launcher") { [self] in
            do {
                while let received = try receive() { deliver(received.reply, descriptor: received.descriptor) }
                end(IsolationError(.launcherDied, "the launcher has ended"))
            } catch {
                end(IsolationError(.launcherDied, "the launcher's connection failed: \(error)"))
            }
        }
    }

    /// Asks for a slot.
    func openSlot(image: Int, policy: Int) async throws(IsolationError) -> OpenedSlot {
        guard let image = UInt8(exactly: image), let policy = UInt8(exactly: policy) else {
            throw IsolationError(.protocolViolation, "image or policy out of range")
        }
        let result = await withCheckedContinuation { continuation in
            // Asked and noted under one lock: the order of the answers is the order of the requests.
            let refused: IsolationError? = state.withLock { state in
                if let ended = state.ended { return ended }
                do {
                    try send(.openSlot(image: image, policy: policy))
                    state.waiting.append { continuation.resume(returning: $0) }
                    return nil
                } catch {
                    return IsolationError(.launcherDied, "the launcher's connection failed: \(error)")
                }
            }
            if let refused { continuation.resume(returning: .failure(refused)) }
        }
        return try result.get()
    }

    /// Comes back when the launcher has taken a message: not before one that is stopped goes on.
    /// - Returns: false where it has ended.
    func answers() async -> Bool {
        await withCheckedContinuation { continuation in
            let isAsked: Bool = state.withLock { state in
                guard state.ended == nil else { return false }
                do {
                    try send(.ask)
                    state.asking.append { continuation.resume(returning: $0) }
                    return true
                } catch {
                    return false
                }
            }
            if !isAsked { continuation.resume(returning: false) }
        }
    }

    /// Whether the launcher has ended, and with it every slot.
    var hasEnded: Bool { state.withLock { $0.ended != nil } }

    /// Ends a slot that does not answer.
    func killSlot(_ index: UInt16) {
        // A launcher that is gone has taken its slots along.
        try? send(.killSlot(slot: index))
    }

    /// Ends the launcher, with every slot and job; comes back when it is gone.
    public func shutDown() {
        Glibc.shutdown(socket.raw, Int32(SHUT_RDWR))
        var status: Int32 = 0
        _ = bk_waitpid(pid, &status, 0)
    }

    private func deliver(_ reply: ControlReply, descriptor: Int32?) {
        switch reply {
        case .slotOpened(let index):
            guard let descriptor else {
                return answer(.failure(IsolationError(.protocolViolation, "a slot without socket")))
            }
            answer(.success(OpenedSlot(index: index, socket: descriptor)))
        case .slotRefused(let failure): answer(.failure(IsolationError(failure, code: .notSetUp)))
        case .answer: state.withLock { $0.asking.isEmpty ? nil : $0.asking.removeFirst() }?(true)
        case .slotClosed, .ready, .failed: break
        }
    }

    private func answer(_ result: Result<OpenedSlot, IsolationError>) {
        let waiter = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        if let waiter {
            waiter(result)
        } else if case .success(let slot) = result {
            close(slot.socket)
        }
    }

    private func end(_ error: IsolationError) {
        let (waiting, asking, onEnd) = state.withLock { state in
            state.ended = error
            defer {
                state.waiting = []
                state.asking = []
                state.onEnd = nil
            }
            return (state.waiting, state.asking, state.onEnd)
        }
        for waiter in asking { waiter(false) }
        for waiter in waiting { waiter(.failure(error)) }
        onEnd?(error)
    }

    private func send(_ request: ControlRequest) throws(SystemError) { try send(request.encoded()) }

    func send(_ bytes: [UInt8]) throws(SystemError) {
        try attempt("send to the launcher") { bk_send(socket.raw, bytes, UInt64(bytes.count), nil, 0) }
    }

    private func receive() throws -> (reply: ControlReply, descriptor: Int32?)? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        var descriptors: [Int32] = [-1]
        var descriptorCount: Int32 = 1
        let count = try attempt("receive from the launcher") { () -> Int64 in
            descriptorCount = 1
            let count = bk_receive(socket.raw, &bytes, UInt64(bytes.count), &descriptors, &descriptorCount, 0)
            return count == -Int64(ECONNRESET) ? 0 : count
        }
        if count == 0 { return nil }
        return (try ControlReply(decoding: bytes[0..<Int(count)]), descriptorCount == 1 ? descriptors[0] : nil)
    }
}
