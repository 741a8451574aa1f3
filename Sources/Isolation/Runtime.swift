import LaunchProtocol

/// A program that a slot can start before it has a job for it: what comes up then is held as it opens its main file.
struct Runtime: Hashable, Sendable {
    var key: SlotPool.Key
    var arguments: [String]
    var environment: [String: String]
    /// The main file's name in /box.
    var opens: String
    /// What it may use while it comes up.
    var limits: ResourceLimits

    /// The request that starts it.
    var request: SlotRequest {
        .startAhead(JobStart(arguments: arguments, environment: environment, limits: limits), opens: opens)
    }
}

extension SandboxConfiguration {
    /// What may have been started ahead for this job, or nil where nothing may.
    var runtime: Runtime? {
        guard let ahead, files.contains(where: { $0.path == ahead.opens }) else { return nil }
        return Runtime(
            key: .init(image: image, policy: policy), arguments: arguments, environment: environment,
            opens: ahead.opens, limits: ahead.limits)
    }
}

extension JobStart {
    init(arguments: [String], environment: [String: String], limits: ResourceLimits) {
        self.init(
            arguments: arguments.map { Array($0.utf8) },
            environment: environment.sorted { $0.key < $1.key }.map { Array("\($0.key)=\($0.value)".utf8) },
            limits: limits)
    }
}
