import Foundation
import Synchronization

/// Jobs that keep a server busy in every way that makes an end hard: spinning, sleeping, forking, flooding.
final class Load: Sendable {
    /// What came of one request: an answer, or what went wrong on the way.
    typealias Result = Swift.Result<Answer, any Error>

    private struct State {
        var isStopped = false
        var results: [Result] = []
        var running = 0
    }

    private let state = Mutex(State())

    private static let programs = [
        "while :; do :; done",
        "sleep 60",
        "(setsid sleep 60 &); for i in 1 2 3 4; do (while :; do sleep 0.01; done) & done; wait",
        ":(){ :|:& };:; sleep 60",
        "yes",
        "while :; do echo x >> /tmp/f; done",
    ]

    /// Runs each of the programs to its end.
    static func once(on server: Server) throws {
        for program in programs { _ = try server.execute(try request("bash", program, ["timeout": 300])) }
    }

    /// Starts `count` clients that ask again as long as they get an answer.
    init(on server: Server, clients count: Int) {
        for index in 0..<count {
            state.withLock { $0.running += 1 }
            Thread { [self] in
                var round = index
                while !state.withLock({ $0.isStopped }) {
                    let program = Self.programs[round % Self.programs.count]
                    let result = Swift.Result {
                        try server.execute(try request("bash", program, ["timeout": 3_000]), seconds: 30)
                    }
                    state.withLock { $0.results.append(result) }
                    // A server that is gone has nobody to ask.
                    if case .failure = result { break }
                    round += 1
                }
                state.withLock { $0.running -= 1 }
            }.start()
        }
    }

    /// What came back so far.
    var results: [Result] { state.withLock { $0.results } }

    /// Asks nothing more and waits for the answers that are due.
    /// - Returns: whether all clients came to an end.
    @discardableResult
    func stop() -> Bool {
        state.withLock { $0.isStopped = true }
        return Eventually.holds(within: .seconds(40)) { state.withLock { $0.running } == 0 }
    }
}

/// Random numbers that come again with the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
