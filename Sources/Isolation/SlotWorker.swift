import Glibc
import LaunchProtocol
import Linux
import Synchronization

/// One slot as the pool holds it: a thread that talks to the slot's process.
final class SlotWorker: Sendable {
    let key: SlotPool.Key
    private let index: UInt16
    private let launcher: LauncherConnection
    private let mailbox = Mailbox<Errand>()
    private let broken = Atomic<Bool>(false)
    /// The thread's while a job is at hand, and of whoever brings one until then; gone when the thread has ended.
    private let conversation: Mutex<SlotConversation?>

    private enum Errand: Sendable {
        case job(Work)
        /// The wait until the slot is set up.
        case setUp(@Sendable (IsolationError?) -> Void)
    }

    private struct Work: Sendable {
        var configuration: SandboxConfiguration
        var cancellation: Cancellation
        var onOutput: OutputObserver?
        var finish: @Sendable (Result<Outcome, IsolationError>) -> Void
    }

    init(key: SlotPool.Key, slot: LauncherConnection.OpenedSlot, launcher: LauncherConnection) {
        self.key = key
        index = slot.index
        self.launcher = launcher
        conversation = Mutex(SlotConversation(socket: Descriptor(owning: slot.socket)))
        BlockingThread.start(name: "\(launcher.instance) slot \(slot.index)") { [self] in
            while let errand = mailbox.take() {
                switch errand {
                case .job(let work):
                    let (result, isOver) = conversation.withLock { conversation in
                        (Self.perform(work, in: conversation), conversation?.isOver ?? true)
                    }
                    if case .failure(let error) = result { note(error) }
                    if isOver { broken.store(true, ordering: .releasing) }
                    work.finish(result)
                case .setUp(let finish):
                    let error = conversation.withLock { Self.waitUntilSetUp($0) }
                    if let error { note(error) }
                    finish(error)
                }
            }
            // The end of the conversation closes the socket, and that ends the slot.
            conversation.withLock { $0 = nil }
        }
    }

    /// Takes note of what went wrong in the slot.
    private func note(_ error: IsolationError) {
        guard error.code != .step else { return }
        broken.store(true, ordering: .releasing)
        // Not one that is known to be dead: the launcher may have given its number to a new slot by now. One that lives but
        // sets no sandbox up ends when its conversation does.
        if ![.slotDied, .slotLost, .notSetUp].contains(error.code) { launcher.killSlot(index) }
    }

    /// Whether the slot is of no more use.
    var isBroken: Bool { broken.load(ordering: .acquiring) }

    func run(
        _ configuration: SandboxConfiguration, cancellation: Cancellation, onOutput: OutputObserver?
    ) async -> Result<Outcome, IsolationError> {
        await withCheckedContinuation { continuation in
            // Nobody else has this slot. The thread may not have let go of the last job yet; then it begins this one itself.
            _ = conversation.withLockIfAvailable { $0?.beginIfParked(configuration) }
            mailbox.put(
                .job(
                    Work(configuration: configuration, cancellation: cancellation, onOutput: onOutput) {
                        continuation.resume(returning: $0)
                    }))
        }
    }

    /// Waits until the slot is set up and its first sandbox is.
    /// - Throws: what kept it from that; then the slot is of no more use.
    func waitUntilSetUp() async throws(IsolationError) {
        let error = await withCheckedContinuation { continuation in
            mailbox.put(.setUp { continuation.resume(returning: $0) })
        }
        if let error { throw error }
    }

    /// Has a runtime come up in the next sandbox, before there is a job for it; nil for none. Only while it has no job.
    func prepare(_ runtime: Runtime?) {
        // Where the thread has not let go of the last job yet, nothing is prepared, which the next job finds out.
        _ = conversation.withLockIfAvailable { $0?.prepare(runtime) }
    }

    /// Ends the slot once its work is done.
    func close() { mailbox.close() }

    private static func waitUntilSetUp(_ conversation: SlotConversation?) -> IsolationError? {
        do {
            try conversation?.waitUntilSetUp()
            return nil
        } catch let error as SlotConversation.Broken {
            return error.reason
        } catch {
            return IsolationError(.protocolViolation, "\(error)")
        }
    }

    private static func perform(_ work: Work, in conversation: SlotConversation?) -> Result<Outcome, IsolationError> {
        guard let conversation else { return .failure(IsolationError(.slotLost, "the slot has ended")) }
        do {
            return .success(
                try conversation.run(work.configuration, cancellation: work.cancellation, onOutput: work.onOutput))
        } catch let error as IsolationError {
            return .failure(error)
        } catch let error as SlotConversation.Broken {
            return .failure(error.reason)
        } catch {
            return .failure(IsolationError(.protocolViolation, "\(error)"))
        }
    }
}
