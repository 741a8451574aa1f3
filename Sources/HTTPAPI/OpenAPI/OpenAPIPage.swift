import Jobs
import NIOCore
import Synchronization

/// What `GET /openapi.json` answers, made once for each offer. Only the last is kept: who lives changes seldom, and everybody
/// is told the same.
final class OpenAPIPage: Sendable {
    private let make: @Sendable (Offer) -> JSONObject
    private let last = Mutex<(offer: Offer, body: ByteBuffer)?>(nil)

    /// - Parameter make: the document of an offer.
    init(_ make: @escaping @Sendable (Offer) -> JSONObject) {
        self.make = make
    }

    func body(of offer: Offer) -> ByteBuffer {
        if let last = last.withLock({ $0 }), last.offer == offer { return last.body }
        let body = ByteBuffer(bytes: JSONValue.object(make(offer)).bytes)
        last.withLock { $0 = (offer, body) }
        return body
    }
}
