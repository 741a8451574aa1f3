import CLinux
import Glibc
import LaunchProtocol
import Linux
import Synchronization

/// The isolation engine: runs each program in a fresh sandbox, as many at once as it has slots.
///
/// The process that uses it is not root. Every slot has a thread here that moves the job's streams.
public final class Engine: Sendable {
    let launcher: LauncherConnection
    private let pool: SlotPool
    private let onFailure = Mutex<(@Sendable (IsolationError) -> Void)?>(nil)
    private let onAheadFailure: (@Sendable (IsolationError) -> Void)?

    /// Takes over a launcher that is set up.
    /// - Parameters:
    ///   - launcher: what `Starter.start` gave.
    ///   - aheadMemory: bytes that programs which are started before their jobs may take together; 0 for none.
    ///   - aheadPatience: after how long those that nobody needed are given up.
    ///   - onFailure: called once when the launcher ends unasked; no job can run from then on.
    ///   - onAheadFailure: called when one does not come up; its job was started as if there were none.
    ///   - onTrouble: called when a slot cannot be set up any more, with the step, and with nil when all can be again.
    public init(
        launcher: LauncherConnection, aheadMemory: UInt64 = 0, aheadPatience: Duration = .seconds(60),
        onFailure: (@Sendable (IsolationError) -> Void)? = nil,
        onAheadFailure: (@Sendable (IsolationError) -> Void)? = nil,
        onTrouble: (@Sendable (IsolationError?) -> Void)? = nil
    ) {
        self.launcher = launcher
        self.onAheadFailure = onAheadFailure
        pool = SlotPool(
            launcher: launcher, capacity: launcher.slots, spares: launcher.spareSlots,
            ahead: .init(memory: aheadMemory, patience: aheadPatience), onTrouble: onTrouble)
        self.onFailure.withLock { $0 = onFailure }
        // A job may close its standard input at any time; the write then fails and is handled where it is made.
        signal(SIGPIPE, SIG_IGN)
        launcher.listen { [weak self] error in
            let callback = self?.onFailure.withLock { $0 }
            callback?(error)
        }
    }

    /// Opens slots ahead of the first jobs, and waits until each has its first sandbox.
    /// - Throws: `IsolationError` when that cannot be, so that a service that could run nothing does not start.
    public func warmUp(image: Int = 0, policy: Int = 0, slots: Int) async throws {
        try await pool.fill(.init(image: image, policy: policy), count: slots)
    }

    /// Its slots as they are now.
    public var slotFigures: SlotFigures { get async { await pool.figures } }

    /// Whether a job would be given a slot: not while there is none and none can be set up, which is tried again and again.
    public var isUsable: Bool { pool.isUsable && !hasEnded }

    /// Whether the launcher has ended, so that no job can run any more.
    public var hasEnded: Bool { launcher.hasEnded }

    /// Comes back when the launcher has answered, and what hands out slots: not before one of them that is stuck goes on.
    /// - Returns: false where the launcher has ended.
    public func answers() async -> Bool {
        _ = await pool.figures
        return await launcher.answers()
    }

    /// Runs one program in a fresh sandbox. Waits for a free slot, first come first served; a cancelled task's job is
    /// ended and answered with `Ending.cancelled`. A job whose slot cannot be set up, after some could, is given another, or
    /// waits for one, for some seconds.
    /// - Throws: `IsolationError` when the job could not run; `notSetUp` when there was no slot for it.
    public func run(
        _ configuration: SandboxConfiguration, onOutput: OutputObserver? = nil
    ) async throws(IsolationError) -> Outcome {
        _ = try configuration.start()
        let cancellation: Cancellation
        do {
            cancellation = try Cancellation()
        } catch {
            throw IsolationError(.host, error.description)
        }
        let key = SlotPool.Key(image: configuration.image, policy: configuration.policy)
        let runtime = configuration.runtime
        // An idle slot that was killed shows only when it is given a job. Each turn takes one such slot out of the pool.
        var turns = launcher.slots
        // One that is set up at last and then fails the job once more.
        var attempts = 3
        while true {
            guard let slot = try await pool.take(key, runtime: runtime) else { return .cancelledBeforeStart }
            if Task.isCancelled {
                // Cancelled as it was admitted: its sandbox stays parked for the next.
                await pool.putBack(slot, isUsable: true)
                return .cancelledBeforeStart
            }
            let result = await withTaskCancellationHandler {
                await slot.run(configuration, cancellation: cancellation, onOutput: onOutput)
            } onCancel: {
                cancellation.cancel()
            }
            if case .failure(let error) = result, error.code == .notSetUp {
                attempts -= 1
                guard await pool.putBack(slot, after: error), attempts > 0 else { throw error }
                continue
            }
            let failure = await pool.putBack(slot, isUsable: !slot.isBroken, after: try? result.get(), of: runtime)
            if let failure { onAheadFailure?(IsolationError(failure)) }
            if case .failure(let error) = result, error.code == .slotLost, turns > 0 {
                turns -= 1
                continue
            }
            if case .failure(let error) = result, error.code == .slotDied, await launcherEnds() {
                throw IsolationError(.launcherDied, "the launcher has ended")
            }
            return try result.get()
        }
    }

    /// Whether the launcher turns out to have ended, now that a slot has. Slots follow it at once, and theirs may be heard
    /// of first.
    private func launcherEnds() async -> Bool {
        for _ in 0..<50 where !launcher.hasEnded {
            // A cancelled task looks as often without a pause.
            try? await Task.sleep(for: .milliseconds(5))
        }
        return launcher.hasEnded
    }

    /// Ends every job and the launcher. Comes back when nothing of them is left.
    public func shutDown() async {
        onFailure.withLock { $0 = nil }
        await pool.close()
        await withCheckedContinuation { continuation in
            BlockingThread.start(name: "shutdown") { [launcher] in
                launcher.shutDown()
                continuation.resume()
            }
        }
    }
}
