/// How large the parts of a request may be; sizes in bytes after decoding.
public struct RequestBounds: Sendable, Equatable {
    /// The HTTP body, before anything of it is read as JSON.
    public var bodyBytes: Int
    public var codeBytes: Int
    public var files: Int
    /// All files together.
    public var fileBytes: Int
    /// Entries of `args`, and of `env`.
    public var entries: Int
    /// Bytes of all `args` together, and of all names and values of `env` together.
    public var entryBytes: Int
    /// Of all cases together, where there are any.
    public var stdinBytes: Int
    /// Test cases of one job.
    public var cases: Int
    public var caseNameBytes: Int
    /// `expectedOutput` of all cases together.
    public var expectedOutputBytes: Int
    /// `metadata` as compact JSON.
    public var metadataBytes: Int
    public var json: JSONBounds

    public init(
        bodyBytes: Int = 16 << 20, codeBytes: Int = 256 << 10, files: Int = 64, fileBytes: Int = 8 << 20,
        entries: Int = 64, entryBytes: Int = 16 << 10, stdinBytes: Int = 4 << 20, cases: Int = 100,
        caseNameBytes: Int = 128, expectedOutputBytes: Int = 8 << 20, metadataBytes: Int = 4 << 10,
        json: JSONBounds = JSONBounds()
    ) {
        self.bodyBytes = bodyBytes
        self.codeBytes = codeBytes
        self.files = files
        self.fileBytes = fileBytes
        self.entries = entries
        self.entryBytes = entryBytes
        self.stdinBytes = stdinBytes
        self.cases = cases
        self.caseNameBytes = caseNameBytes
        self.expectedOutputBytes = expectedOutputBytes
        self.metadataBytes = metadataBytes
        self.json = json
    }

    public static let standard = RequestBounds()
}
