import JobQueue
import Jobs
import Keyring

/// On whose behalf a request is answered: decided once, by `AccessControl`, before any route sees the request.
struct Caller: Sendable {
    private enum Kind {
        case nobody
        case anybody
        case key(AdmittedKey)
    }

    private let kind: Kind

    private init(_ kind: Kind) {
        self.kind = kind
    }

    /// Who has shown nothing: sees no job and makes none.
    static let nobody = Caller(.nobody)
    /// Whoever reaches the port, where nobody is asked for a key.
    static let anybody = Caller(.anybody)

    init(_ key: AdmittedKey) {
        kind = .key(key)
    }

    /// For logs; nil where there is no key.
    var name: String? {
        guard case .key(let admitted) = kind else { return nil }
        return admitted.key.name
    }

    func allows(_ scope: APIKey.Scope) -> Bool {
        switch kind {
        case .nobody: false
        case .anybody: true
        case .key(let admitted): admitted.key.allows(scope)
        }
    }

    /// Whether a job is this caller's to see: its own, and with `admin` every one. A job of nobody's was made past the API,
    /// or while nobody was asked for a key.
    func maySee(_ job: JobSnapshot) -> Bool {
        switch kind {
        case .nobody: false
        case .anybody: true
        case .key(let admitted): admitted.key.allows(.admin) || job.owner == admitted.key.id
        }
    }

    /// Whose its jobs are.
    var owner: JobOwner? {
        guard case .key(let admitted) = kind else { return nil }
        let quota = admitted.key.quota
        return JobOwner(
            id: admitted.key.id, name: admitted.key.name, maxOpen: quota.concurrency, maxQueued: quota.queueShare)
    }

    /// Sets its idempotency keys apart from those of others.
    var idempotencyScope: String { owner?.id ?? "" }

    /// The most that its jobs may ask for.
    var ceilings: LimitOverrides {
        guard case .key(let admitted) = kind else { return LimitOverrides() }
        return admitted.key.quota.ceilings
    }

    /// Counts the cases of a job that was counted, besides the first: each is a run of its own.
    func countCases(of request: ExecutionRequest) {
        guard case .key(let admitted) = kind, let cases = request.cases?.list else { return }
        admitted.bucket?.takeMore(cases.count - 1)
    }

    /// Counts one job that it wants to make.
    /// - Throws: `APIError.rateExceeded`.
    func countJob() throws(APIError) {
        guard case .key(let admitted) = kind, let pause = admitted.bucket?.take() else { return }
        throw .rateExceeded(retryAfter: pause)
    }
}
