import ArgumentParser
import Foundation
import Isolation
import Jobs
import Worker

/// How much of the host's memory is for jobs: the same for every command that serves them.
struct MemoryOptions: ParsableArguments {
    @Option(Settings.memoryBudget) var memoryBudget: String?
    @Option(Settings.compileCacheBytes) var compileCacheBytes: String?
    @Option(Settings.aheadMemory) var aheadMemory: String?

    /// Reads flags, environment and file.
    /// - Throws: `ValidationError` for a value that is none.
    func settings() throws -> MemorySettings {
        MemorySettings(
            budget: try Settings.memoryBudget.given(memoryBudget),
            compileCache: try Settings.compileCacheBytes.given(compileCacheBytes),
            ahead: try Settings.aheadMemory.given(aheadMemory))
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
