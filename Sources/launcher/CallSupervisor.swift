import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Answers the calls that a job's filter asks about, as the filter itself would have, and counts them: a refusal becomes
/// evidence. Runs in the slot, so that a job which floods its own has nobody else to slow down.
struct CallSupervisor {
    /// Refusals after which the job is ended: a program that goes on after a thousand is not making a mistake.
    static let mostDenied: UInt32 = 1_000

    private let listener: Int32
    private let program: FilterProgram
    private let mostWatched: UInt32
    private var denied: [Int32: UInt32] = [:]
    private var watched: [Int32: UInt32] = [:]
    private var deniedInAll: UInt32 = 0
    private var watchedInAll: UInt32 = 0

    /// - Parameters:
    ///   - listener: of the job's filter; it stays the caller's.
    ///   - program: the filter as it was compiled.
    ///   - mostWatched: how often a job may make calls that are carried out but counted (SCMP_ACT_NOTIFY).
    init(listener: Int32, program: FilterProgram, mostWatched: UInt32) {
        self.listener = listener
        self.program = program
        self.mostWatched = mostWatched
    }

    /// The supervisor of a sandbox's calls; nil where its filter asks about none.
    init?(of sandbox: Sandbox, mostWatched: UInt32) {
        guard sandbox.listener >= 0 else { return nil }
        self.init(listener: sandbox.listener, program: sandbox.filter, mostWatched: mostWatched)
    }

    /// Answers one call; there must be one, or the wait for it has no end.
    /// - Returns: what the job is to be ended for, or an empty set.
    mutating func answerNext() throws(StepFailure) -> SandboxReport.Fired {
        var id: UInt64 = 0
        var call = [UInt32](repeating: 0, count: 16)
        let received = bk_seccomp_receive(listener, &id, &call)
        // The caller was killed before it could be heard.
        if received == -ENOENT || received == -EINTR { return [] }
        try perform(.superviseCalls) { received }
        let number = Int32(bitPattern: call[0])
        let answer = program.answer(to: call) ?? FilterProgram.Action.refuse | UInt32(EPERM)
        if answer & FilterProgram.Action.mask == FilterProgram.Action.notify {
            watched[number, default: 0] += 1
            watchedInAll += 1
            if watchedInAll > protecting("watched call limit", mostWatched, else: .max) { return .watchedCalls }
            try settle(bk_seccomp_continue(listener, id))
        } else {
            denied[number, default: 0] += 1
            deniedInAll += 1
            if deniedInAll >= protecting("denied call limit", Self.mostDenied, else: .max) { return .deniedCalls }
            let error = answer & ~FilterProgram.Action.mask
            try settle(bk_seccomp_refuse(listener, id, error == 0 ? EPERM : Int32(error)))
        }
        return []
    }

    /// What was counted, the most frequent first.
    var counts: [CallCount] {
        func counts(_ calls: [Int32: UInt32], isDenied: Bool) -> [CallCount] {
            calls.map { CallCount(number: $0.key, count: $0.value, isDenied: isDenied) }
        }
        let all = counts(denied, isDenied: true) + counts(watched, isDenied: false)
        return Array(
            all.sorted { ($1.count, $0.number) < ($0.count, $1.number) }.prefix(SandboxReport.mostCallCounts))
    }

    private func settle(_ result: Int32) throws(StepFailure) {
        // ENOENT: the caller has been killed meanwhile.
        if result != -ENOENT { try perform(.superviseCalls) { result } }
    }
}
