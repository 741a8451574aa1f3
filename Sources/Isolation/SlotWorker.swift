import Glibc
import LaunchProtocol
import Linux
import Synchronization

/// One slot as the pool holds it: a thread that talks to the slot's process.
final class SlotWorker: Sendable {
    let key: SlotPool.Key
    private let index: UInt16
    private let launcher: LauncherConnection
    private let mailbox = Mailbox<Work>()
    private let broken = Atomic<Bool>(false)
    /// The thread's while a job is at hand, and of whoever brings one until then; gone when the thread has ended.
    private let conversation: Mutex<SlotConversation?>

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
            while let work = mailbox.take() {
                let (result, isOver) = conversation.withLock { conversation in
                    (Self.perform(work, in: conversation), conversation?.isOver ?? true)
                }
                if case .failure(let error) = result, error.code != .step {
                    broken.store(true, ordering: .releasing)
                    // Not one that is known to be dead: the launcher may have given its number to a new slot by now.
                    if error.code != .slotDied, error.code != .slotLost { launcher.killSlot(index) }
                }
                if isOver { broken.store(true, ordering: .releasing) }
                work.finish(result)
            }
            // The end of the conversation closes the socket, and that ends the slot.
            conversation.withLock { $0 = nil }
        }
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
                Work(configuration: configuration, cancellation: cancellation, onOutput: onOutput) {
                    continuation.resume(returning: $0)
                })
        }
    }

    /// Has a runtime come up in the next sandbox, before there is a job for it; nil for none. Only while it has no job.
    func prepare(_ runtime: Runtime?) {
        // Where the thread has not let go of the last job yet, nothing is prepared, which the next job finds out.
        _ = conversation.withLockIfAvailable { $0?.prepare(runtime) }
    }

    /// Ends the slot once its work is done.
    func close() { mailbox.close() }

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
