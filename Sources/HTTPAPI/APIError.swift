import JobQueue
import Jobs
import Keyring

/// Why a request is not answered with what it asked for, besides `RequestProblems` and `QueueError`.
enum APIError: Error {
    case notFound
    /// The methods that the resource has.
    case methodNotAllowed([String])
    /// The client took too long over its body.
    case bodyTimeout
    /// The body was cut off or broken.
    case bodyUnreadable
    case bodyTooLarge(most: Int)
    case headersTooLarge
    /// Not HTTP/1.1 as RFC 9112 has it.
    case malformedHTTP
    case contentTypeNotJSON
    case contentEncoded
    /// `Idempotency-Key` is more than one, or no key.
    case idempotencyKeyInvalid
    /// No Host, more than one, or one that is none (RFC 9112 section 3.2).
    case hostInvalid
    /// Called under a name that is not this server's.
    case misdirected
    /// Sent by a page of another origin.
    case crossSite
    /// No key, or one that is none.
    case unauthenticated(isTokenWrong: Bool)
    /// More than one Authorization, or one that cannot be read.
    case authorizationMalformed
    /// The key is not good for this.
    case insufficientScope(APIKey.Scope)
    /// The key makes jobs faster than it may.
    case rateExceeded(retryAfter: Duration)
    /// A known language that no worker serves, and the command that adds it.
    case languageNotServed(command: String)
    /// No worker can run a program now.
    case notReady
    /// Too many bodies are being read at once.
    case busy
    /// `Last-Event-ID` is no id of ours.
    case lastEventIDInvalid
    /// A part of the query that the resource does not know, or a value that is none.
    case queryInvalid(String)
    case contentTypeNotBytes
    /// What was sent to a job's standard input was not taken.
    case inputNotTaken(InputOutcome)
    /// The client went away; nobody reads the answer.
    case clientGone
}
