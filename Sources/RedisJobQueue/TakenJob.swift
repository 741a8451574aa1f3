import Foundation
import Jobs

/// A job as the script `take` hands it over.
struct TakenJob: Sendable {
    let id: String
    let name: String
    let options: JobOptions
    /// When it was added, in milliseconds since 1970.
    let timestamp: Int
    /// Attempts begun, this one included.
    let started: Int
    /// Attempts that ended.
    let made: Int
    /// Why it is to be failed unrun, where another worker's sweep decided so.
    let deferredFailure: String?
    let isCancelRequested: Bool
    let hasParent: Bool
    /// Jobs that it depends on and that are not done.
    let children: Int
    /// Nil where it is larger than it may be.
    let data: Data?
    /// When to look for another, in milliseconds since 1970; nil where the marker will tell.
    let nextLook: Int?
    /// Whether somebody follows it already.
    let isFollowed: Bool
    let isInteractive: Bool
    /// The id of the HTTP request that made it; nil for jobs of other producers.
    let requestID: RequestID?
    /// What logs call whose it is; nil for nobody's.
    let ownerName: String?

    init?(_ reply: RedisReply) {
        guard reply[0].string == "job", let id = reply[1].string else { return nil }
        self.id = id
        name = reply[2].string ?? ""
        options = JobOptions(json: reply[3].data)
        timestamp = reply[4].integer ?? 0
        started = reply[5].integer ?? 1
        made = reply[6].integer ?? 0
        deferredFailure = reply[7].string
        isCancelRequested = reply[8].string != nil
        hasParent = reply[9].string.map { !$0.isEmpty } ?? false
        children = reply[10].integer ?? 0
        data = reply[12].data.map { Data($0) }
        nextLook = reply[13].integer
        isFollowed = reply[14].string != nil
        isInteractive = reply[15].string != nil
        // Whoever writes to Redis may have put anything there.
        requestID = reply[16].string.flatMap { RequestID($0) }
        ownerName = reply[17].string.flatMap { ClientName.isUsable($0) ? $0 : nil }
    }

    /// Why no worker of ours may run it, or nil.
    func refusal(maxRequestBytes: Int) -> String? {
        if let deferredFailure { return deferredFailure }
        if children > 0 { return "refused: the job has children that are not done, and flows are not supported" }
        if hasParent { return "refused: the job is part of a flow, and flows are not supported" }
        if name != "execute" { return "refused: the job's name is not \"execute\"" }
        if data == nil { return "invalid request: more than \(maxRequestBytes) bytes" }
        return nil
    }
}
