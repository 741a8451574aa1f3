import Foundation
import JobQueue
import Jobs

/// Counts the jobs that this process ends in the queue, and writes their lines into the audit log.
public struct UnrunRecords: Sendable {
    private let jobs: JobCounter
    private let audit: AuditLog?

    /// - Parameters:
    ///   - jobs: counts them.
    ///   - audit: gets a line for each; nil for none.
    public init(jobs: JobCounter, audit: AuditLog?) {
        self.jobs = jobs
        self.audit = audit
    }

    /// Takes note of one; comes back when its line is written, or could not be.
    public func note(_ job: UnrunJob) async {
        jobs.add(job.result)
        guard let audit else { return }
        let record = AuditRecord(
            time: Date(), requestID: job.requestID, keyName: job.ownerName, body: job.request, request: nil,
            // As the request has it, and a stranger's word for it may be anything.
            language: jobs.language(job.result.language), result: job.result, isAccepted: true)
        await audit.write { record.json }
    }
}
