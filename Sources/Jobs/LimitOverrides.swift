/// The limits that a request asks for; nil where it says nothing. All are validated: greater than 0 and within the maxima.
public struct LimitOverrides: Sendable, Equatable {
    /// See `Limits` for meanings and units.
    public var wallTimeMs: Int?
    public var cpuTimeMs: Int?
    public var memoryBytes: Int?
    public var processes: Int?
    public var outputBytes: Int?
    public var fileBytes: Int?
    public var diskBytes: Int?
    public var inodes: Int?
    public var openFiles: Int?
    public var cpus: Double?

    public init(
        wallTimeMs: Int? = nil, cpuTimeMs: Int? = nil, memoryBytes: Int? = nil, processes: Int? = nil,
        outputBytes: Int? = nil, fileBytes: Int? = nil, diskBytes: Int? = nil, inodes: Int? = nil,
        openFiles: Int? = nil, cpus: Double? = nil
    ) {
        self.wallTimeMs = wallTimeMs
        self.cpuTimeMs = cpuTimeMs
        self.memoryBytes = memoryBytes
        self.processes = processes
        self.outputBytes = outputBytes
        self.fileBytes = fileBytes
        self.diskBytes = diskBytes
        self.inodes = inodes
        self.openFiles = openFiles
        self.cpus = cpus
    }

    /// The fields that are whole numbers: the name on the wire, the field here, the field of the limits.
    ///
    /// One table for reading, checking, applying and writing, so that no limit can be missing from one of them.
    static var wholeNumbers:
        [(name: String, override: WritableKeyPath<Self, Int?>, limit: WritableKeyPath<Limits, Int>)]
    {
        [
            ("wallTimeMs", \.wallTimeMs, \.wallTimeMs),
            ("cpuTimeMs", \.cpuTimeMs, \.cpuTimeMs),
            ("memoryBytes", \.memoryBytes, \.memoryBytes),
            ("processes", \.processes, \.processes),
            ("outputBytes", \.outputBytes, \.outputBytes),
            ("fileBytes", \.fileBytes, \.fileBytes),
            ("diskBytes", \.diskBytes, \.diskBytes),
            ("inodes", \.inodes, \.inodes),
            ("openFiles", \.openFiles, \.openFiles),
        ]
    }

    /// The least share of a CPU that the kernel's scheduler can grant: 1 ms in each period of 100 ms.
    public static let leastCPUs = 0.01

    /// Every field, by its name on the wire.
    public static var fieldNames: [String] { wholeNumbers.map(\.name) + ["cpus"] }

    /// `limits` with these in place of its own.
    public func applied(to limits: Limits) -> Limits {
        var result = limits
        for field in LimitOverrides.wholeNumbers {
            if let value = self[keyPath: field.override] { result[keyPath: field.limit] = value }
        }
        if let cpus { result.cpus = cpus }
        return result
    }

    /// Whether none of them is above its maximum.
    func isWithin(_ maxima: Limits) -> Bool {
        cpus.map { $0 <= maxima.cpus } ?? true
            && LimitOverrides.wholeNumbers.allSatisfy { field in
                self[keyPath: field.override].map { $0 <= maxima[keyPath: field.limit] } ?? true
            }
    }

    /// As the `limits` of a request.
    public var json: JSONObject {
        var object = JSONObject()
        for field in LimitOverrides.wholeNumbers {
            if let value = self[keyPath: field.override] {
                object.members.append(.init(name: field.name, value: .integer(value)))
            }
        }
        if let cpus { object.members.append(.init(name: "cpus", value: .double(cpus))) }
        return object
    }
}

extension Limits {
    /// As `evidence.limits` of an answer, and as the `limits` of a request that sets each.
    public var json: JSONObject {
        var object = JSONObject()
        for field in LimitOverrides.wholeNumbers {
            object.members.append(.init(name: field.name, value: .integer(self[keyPath: field.limit])))
        }
        object.members.append(.init(name: "cpus", value: .double(cpus)))
        return object
    }

    /// What a program of `language` gets when its request says nothing.
    public func adapted(to language: Language) -> Limits {
        var limits = self
        if let memoryBytes = language.memoryBytes { limits.memoryBytes = max(limits.memoryBytes, memoryBytes) }
        return limits
    }
}
