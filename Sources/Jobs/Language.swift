/// How programs of one language are stored, compiled and run in one image.
///
/// Read from the image's recipe; `version` is what the image itself answered when it was built.
///
/// In `compile` and `run`, an element that is exactly `{file}` stands for the main file's name, and `{heapMiB}` anywhere
/// in an element for the memory in MiB that a managed heap may take under the job's memory limit (60 % of it).
public struct Language: Sendable, Equatable, Codable {
    /// The canonical name: `javascript`, `python`, `c`, `c++`, `bash`, `java`, `go`.
    public var name: String
    /// Other names by which a request may ask for it (`node`, `js`, `py`, `cpp`, `golang`).
    public var aliases: [String]
    /// The version found in the image, such as `18.20.4`.
    public var version: String
    /// The image that holds it.
    public var image: String
    /// The main file's name below `/box`, such as `main.js`.
    public var fileName: String
    /// The compiler and its arguments, or nil for a language that is not compiled.
    public var compile: [String]?
    /// What the compile stage hands to the run stage: names at the top of `/box`, or `*.ext`.
    public var products: [String]
    /// The program and its arguments.
    public var run: [String]
    /// Variables that this language needs besides the fixed environment.
    public var environment: [String: String]
    /// The least default memory for this language in bytes, where the standard default does not suffice.
    public var memoryBytes: Int?
    /// Memory for the compile stage in bytes, where the standard one does not suffice.
    public var compileMemoryBytes: Int?
    /// The seccomp policy of the program, or nil for ``standardPolicy``.
    public var policy: String?
    /// The seccomp policy of the compile stage, or nil for ``standardPolicy``.
    public var compilePolicy: String?

    /// Where its runtime can be started before there is a program for it; nil where it cannot.
    public var ahead: Ahead?

    /// What lets a runtime be started ahead: the file that it opens once it has come up, before it asks for anything else of
    /// the job, so that it can be held there.
    public struct Ahead: Sendable, Equatable, Codable {
        /// The file's name at the top of `/box`, or `{file}`.
        public var opens: String
        /// Names at the top of `/box` that it looks for earlier. A job that has one of them is started without.
        public var unless: [String]

        public init(opens: String, unless: [String] = []) {
            self.opens = opens
            self.unless = unless
        }

        /// The name of the file that it opens in a job with this main file.
        public func opened(mainFile: String) -> String { opens == "{file}" ? mainFile : opens }
    }

    /// The policy of a stage that names none: `default.json` in the folder of policies.
    public static let standardPolicy = "default"

    /// The policies that its stages run under.
    public var policies: Set<String> {
        Set([policy ?? Self.standardPolicy] + (compile == nil ? [] : [compilePolicy ?? Self.standardPolicy]))
    }

    public init(
        name: String, aliases: [String] = [], version: String, image: String, fileName: String,
        compile: [String]? = nil, products: [String] = [], run: [String], environment: [String: String] = [:],
        memoryBytes: Int? = nil, compileMemoryBytes: Int? = nil, policy: String? = nil, compilePolicy: String? = nil,
        ahead: Ahead? = nil
    ) {
        self.name = name
        self.aliases = aliases
        self.version = version
        self.image = image
        self.fileName = fileName
        self.compile = compile
        self.products = products
        self.run = run
        self.environment = environment
        self.memoryBytes = memoryBytes
        self.compileMemoryBytes = compileMemoryBytes
        self.policy = policy
        self.compilePolicy = compilePolicy
        self.ahead = ahead
    }
}
