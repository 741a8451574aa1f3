import Telemetry

/// What the connections to Redis did.
public final class RedisMetrics: Sendable {
    /// The connections, each with a label of its own.
    enum Role: Int, CaseIterable {
        case commands, blocking, listening, following
    }

    /// What goes wrong, as an operator tells it apart.
    enum Failure: Int, CaseIterable {
        /// No connection came to be.
        case unreachable
        /// One broke, or fell silent.
        case lost
        /// Redis answered with an error.
        case refused
    }

    private let commands: Counters
    private let roundTrips: Histograms
    private let failures: Counters
    private let reconnects: Counters

    public init() {
        let roles = Role.allCases.map { "\($0)" }
        commands = Counters(
            "bulkhead_redis_commands_total", help: "Commands sent to Redis, those that wait for a job among them.",
            label: "connection", values: roles)
        roundTrips = Histograms(
            "bulkhead_redis_round_trip_seconds",
            help: "From a command to its reply, without commands that wait for a job and without the listening.",
            bounds: Histograms.steps(from: 0.000_01, to: 10), label: "connection",
            values: roles.filter { $0 != "\(Role.listening)" })
        failures = Counters(
            "bulkhead_redis_errors_total", help: "What went wrong between this process and Redis.", label: "kind",
            values: Failure.allCases.map { "\($0)" })
        reconnects = Counters(
            "bulkhead_redis_reconnects_total", help: "Connections to Redis that were made again.", label: "connection",
            values: roles)
    }

    func sent(over role: Role) { commands.add(at: role.rawValue) }

    func answered(after duration: Duration, over role: Role) {
        guard role != .listening else { return }
        roundTrips.observe(duration, at: role.rawValue)
    }

    func failed(_ failure: Failure) { failures.add(at: failure.rawValue) }

    func reconnected(_ role: Role) { reconnects.add(at: role.rawValue) }

    public func families() -> [Family] {
        [commands.family, roundTrips.family, failures.family, reconnects.family]
    }
}
