import Foundation
import Jobs

/// What an attempt does. The raw values are part of the wire.
public enum LiveStage: String, Sendable, CaseIterable {
    case compile
    case run
}

/// One of a program's two output streams. The raw values are part of the wire.
public enum LiveStream: String, Sendable, CaseIterable {
    case stdout
    case stderr
}

/// One thing that happened to a job, as those hear of it who follow the job.
public struct LiveEvent: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// It was accepted.
        case queued
        /// A worker has begun it. With an attempt above 1, what was told of earlier ones is void.
        case started(worker: String)
        case stage(LiveStage)
        /// A piece of output. Never ends within a character, but where the stream does.
        case output(LiveStream, [UInt8])
        /// It is over; nothing follows.
        case result(JobSnapshot)
    }

    public let position: LivePosition
    public let kind: Kind

    public init(_ position: LivePosition, _ kind: Kind) {
        self.position = position
        self.kind = kind
    }

    public static let queued = LiveEvent(.queued, .queued)

    public static func started(_ attempt: Int, worker: String) -> LiveEvent {
        LiveEvent(.started(attempt), .started(worker: worker))
    }

    public static func stage(_ stage: LiveStage, of attempt: Int) -> LiveEvent {
        LiveEvent(.stage(stage, of: attempt), .stage(stage))
    }

    public static func result(_ job: JobSnapshot) -> LiveEvent {
        LiveEvent(.result(of: job.attempt), .result(job))
    }

    /// The most bytes of one piece of output.
    public static let mostBytes = 32 << 10
}
