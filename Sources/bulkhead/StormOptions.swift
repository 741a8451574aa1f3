import ArgumentParser
import Foundation

/// A storm of random hostile jobs, in place of the attacks one by one.
struct StormOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Run so many random hostile jobs.", valueName: "jobs"))
    var storm: Int?

    @Option(help: ArgumentHelp("What they are drawn from; printed where it is not given.", valueName: "number"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("How many run at once (as many as there are processors).", valueName: "slots"))
    var concurrency: Int?

    @Option(help: ArgumentHelp("Only the job of this number, of the same seed.", valueName: "index"))
    var stormOnly: Int?

    /// Whether there is to be one.
    var isWanted: Bool { storm != nil || stormOnly != nil }

    func validate() throws {
        if let storm, !(1...10_000_000).contains(storm) { throw ValidationError("--storm takes 1 to 10000000") }
        if let concurrency, !(1...256).contains(concurrency) { throw ValidationError("--concurrency takes 1 to 256") }
        if let stormOnly, !(0...10_000_000).contains(stormOnly) {
            throw ValidationError("--storm-only takes 0 to 10000000")
        }
        if stormOnly != nil, seed == nil { throw ValidationError("--storm-only needs --seed") }
        if seed != nil || concurrency != nil, !isWanted {
            throw ValidationError("--seed and --concurrency are for --storm")
        }
    }
}
