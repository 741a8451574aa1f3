import ArgumentParser
import Foundation
import Isolation
import Jobs
import Worker

/// How much of the host's memory is for jobs: the same for every command that serves them.
struct MemoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the memory limits of all running programs may add up to; more of them wait "
                + "(80% of the host's memory, or of its control group's, less --ahead-memory; BULKHEAD_MEMORY_BUDGET).",
            valueName: "size"))
    var memoryBudget: ByteCount?

    @Option(
        help: ArgumentHelp(
            "How much of what compilers made is kept for jobs with the same source; 0 for nothing "
                + "(256M, on small hosts a sixteenth of the memory; BULKHEAD_COMPILE_CACHE_BYTES).", valueName: "size"))
    var compileCacheBytes: ByteCountOrNone?

    @Option(
        help: ArgumentHelp(
            "How much memory interpreters may take that are started before their programs come; 0 for none "
                + "(512M, on small hosts a sixteenth of the memory; BULKHEAD_AHEAD_MEMORY).", valueName: "size"))
    var aheadMemory: ByteCountOrNone?

    /// Reads flags and environment.
    /// - Throws: `ValidationError` for a value that is none.
    func settings() throws -> MemorySettings {
        let budget = try Setting.bytes(memoryBudget?.bytes, "BULKHEAD_MEMORY_BUDGET")
        guard budget != 0 else { throw ValidationError("BULKHEAD_MEMORY_BUDGET must not be 0") }
        return MemorySettings(
            budget: budget,
            compileCache: try Setting.bytes(compileCacheBytes?.bytes, "BULKHEAD_COMPILE_CACHE_BYTES"),
            ahead: try Setting.bytes(aheadMemory?.bytes, "BULKHEAD_AHEAD_MEMORY"))
    }
}

/// What the operator says of the host's memory; nil leaves it to what the host has.
struct MemorySettings {
    /// Bytes that the limits of all running programs may add up to.
    var budget: Int?
    /// Bytes of compilations that are kept.
    var compileCache: Int?
    /// Bytes for what is started ahead.
    var ahead: Int?

    /// What holds on this host.
    struct Shares {
        /// Bytes, at least what each served language needs.
        var budget: Int
        /// Bytes; 0 for no cache.
        var compileCache: Int
        /// Bytes; 0 where nothing is started ahead.
        var ahead: Int
    }

    /// - Parameters:
    ///   - memory: bytes that the host has, or its control group allows.
    ///   - languages: what is to be served.
    /// - Returns: what was said, else what suits the host.
    /// - Throws: `ValidationError` for a budget in which one of the languages could not be compiled or run.
    func shares(of memory: Int, for languages: [Language]) throws -> Shares {
        let need = ServedLanguages.memoryNeeded(by: languages)
        if let budget, budget < need {
            let mebibytes = (need + (1 << 20) - 1) >> 20
            throw ValidationError(
                "the memory budget must be at least \(mebibytes)M: a language served here needs that")
        }
        let ahead = ahead ?? min(512 << 20, memory / 16)
        return Shares(
            // A host smaller than that still runs one job at a time.
            budget: budget ?? max(memory / 10 * 8 - ahead, need),
            compileCache: compileCache ?? min(256 << 20, memory / 16), ahead: ahead)
    }

    /// Bytes of memory that jobs and this process have together.
    static func memory() throws -> Int {
        let host = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        return min(host, try CgroupHost.detect().memoryLimit().map { Int(clamping: $0) } ?? host)
    }
}
