import Dispatch
import Foundation

/// Runs work that SIGINT or SIGTERM cancels.
func withStopSignals<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let work = Task { try await body() }
    let sources = [SIGINT, SIGTERM].map { number in
        // The default action would end the process before the sources see anything.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler { work.cancel() }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    return try await work.value
}
