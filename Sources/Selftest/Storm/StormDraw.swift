import Jobs

/// Draws the jobs of a storm. The same seed, attacks and host give the same jobs.
struct StormDraw: Sendable {
    let seed: UInt64
    let attacks: [Attack]
    let cores: Int
    let maxima: Limits
    let timeScale: Int

    /// Attacks that take a minute.
    private static let tooLong: Set<String> = ["lock-flood"]

    /// Of the table `attacks`, those that one job alone makes are drawn from.
    init(seed: UInt64, attacks: [Attack], cores: Int, maxima: Limits, timeScale: Int) {
        self.seed = seed
        self.attacks = attacks.filter {
            [.alone, .verdict, .collect, .source].contains($0.mode) && !Self.tooLong.contains($0.name)
        }
        self.cores = cores
        self.maxima = maxima
        self.timeScale = timeScale
    }

    /// The job of that number.
    /// - Throws: for a table whose limits cannot be read.
    func job(_ index: Int) throws -> StormJob {
        var random = StormRandom(seed: seed, index: index)
        let sources = attacks.filter { $0.mode == .source }
        let others = attacks.filter { $0.mode != .source }
        var job: StormJob
        // A compilation costs as much as twenty other jobs.
        if !sources.isEmpty, random.chance(percent: 2) {
            job = try source(random.pick(sources), index, &random)
        } else if !others.isEmpty, random.chance(percent: 50) {
            job = try attack(random.pick(others), index, &random)
        } else {
            job = program(index, &random)
        }
        // Emulated processors may need all of their time before a program has come to what it does.
        if timeScale > 1 { job.early.formUnion([Status.wallTimeLimit.rawValue, Status.cpuTimeLimit.rawValue]) }
        return job
    }

    // MARK: limits

    /// Limits that no job of a storm comes near unless it means to, however busy the host is.
    func ample(_ random: inout StormRandom) -> Limits {
        var limits = Limits.standard
        limits.wallTimeMs = min(random.number(in: 20_000...30_000) * timeScale, maxima.wallTimeMs)
        limits.cpuTimeMs = min(random.number(in: 8_000...12_000) * timeScale, maxima.cpuTimeMs)
        limits.memoryBytes = random.number(in: 128...256) << 20
        limits.processes = random.number(in: 64...128)
        limits.outputBytes = random.number(in: 256 << 10...8 << 20)
        limits.fileBytes = random.number(in: 16 << 20...64 << 20)
        limits.diskBytes = random.number(in: 64...96) << 20
        limits.inodes = random.number(in: 4_096...16_384)
        limits.openFiles = random.number(in: 256...1_024)
        limits.cpus = Double(random.number(in: 5...10 * cores)) / 10
        return limits
    }

    /// A limit so small, or a cancellation so early, that it may strike before the job has done what it does.
    enum Twist: CaseIterable {
        case wall, cpu, memory, output, processes, cancel
    }

    /// Applies one of the twists that are allowed, or usually none.
    /// - Returns: which.
    func twist(_ job: inout StormJob, _ random: inout StormRandom, allowed: [Twist]) -> Twist? {
        guard !allowed.isEmpty, random.chance(percent: 35) else { return nil }
        let twist = random.pick(allowed)
        switch twist {
        case .wall:
            job.limits.wallTimeMs = random.number(in: 1...200)
            job.early.insert(Status.wallTimeLimit.rawValue)
        case .cpu:
            job.limits.cpuTimeMs = random.number(in: 1...30)
            job.early.insert(Status.cpuTimeLimit.rawValue)
        case .memory:
            job.limits.memoryBytes = random.number(in: 1 << 20...6 << 20)
            job.early.insert(Status.memoryLimit.rawValue)
        case .output:
            job.limits.outputBytes = random.number(in: 1...10)
            job.early.insert(Status.outputLimit.rawValue)
        case .processes:
            job.limits.processes = random.number(in: 1...3)
            job.early.insert(Status.processLimit.rawValue)
        case .cancel:
            job.cancelled = .after(random.number(in: 0...300))
            job.early.insert(Status.cancelled.rawValue)
        }
        return twist
    }
}
