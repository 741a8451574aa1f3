import ArgumentParser
import Foundation
import Images
import Jobs
import Keyring

/// `bulkhead keys`: who may use the API.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make API keys, list them, and revoke them.",
        discussion: """
            sudo bulkhead keys add ci --rate 10/s --concurrency 4
            curl -H 'authorization: Bearer bh_...' ...

            A service that has keys asks everybody for one. It notices a change within a second. One that was started while \
            there was no key file asks for keys when it is started again.
            """,
        subcommands: [AddCommand.self, ListCommand.self, RevokeCommand.self])

    struct AddCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Make a key and print it: this once, for only its digest is kept.")

        @OptionGroup var place: KeyPlace

        @Argument(help: "A name for the key: letters, digits, dots, dashes and underscores.")
        var name: String

        @Option(
            help: ArgumentHelp(
                "What it is good for, with commas: execute (make and cancel jobs), read (look at them), admin (all, and "
                    + "everybody's).", valueName: "scopes"))
        var scope = "execute,read"

        @Option(help: ArgumentHelp("Requests for jobs that it may send, such as 10/s or 600/m.", valueName: "rate"))
        var rate: String?

        @Option(help: ArgumentHelp("Jobs of it that may wait or run at once.", valueName: "count"))
        var concurrency: Int?

        @Option(help: ArgumentHelp("Jobs of it that may wait at once.", valueName: "count"))
        var queueShare: Int?

        @OptionGroup var ceilings: CeilingOptions

        mutating func run() throws {
            let secret = APIKeySecret()
            let key = APIKey(
                name: name, id: RandomWord.next(), digest: secret.digest, scopes: try scopes(),
                quota: Quota(
                    rate: try rate.map { text in
                        guard let rate = Rate(text) else {
                            throw ValidationError("--rate must be such as 10/s or 600/m, not \(text)")
                        }
                        return rate
                    }, concurrency: try count(concurrency, "--concurrency"),
                    queueShare: try count(queueShare, "--queue-share"), ceilings: try ceilings.overrides()),
                createdAt: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)))
            try place.use { file throws(APIKeyError) in
                try file.change { (list) throws(APIKeyError) in try list.add(key) }
            }
            print(secret.text)
        }

        private func scopes() throws -> Set<APIKey.Scope> {
            let words = scope.split(separator: ",", omittingEmptySubsequences: false)
            return Set(
                try words.map { word in
                    guard let scope = APIKey.Scope(rawValue: String(word)) else {
                        throw ValidationError("--scope must be of execute, read and admin, with commas; not \(scope)")
                    }
                    return scope
                })
        }

        private func count(_ value: Int?, _ flag: String) throws -> Int? {
            guard let value else { return nil }
            guard (1...1_000_000).contains(value) else { throw ValidationError("\(flag) must be from 1 to 1000000") }
            return value
        }
    }

    struct ListCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "All keys with what they may do.")

        @OptionGroup var place: KeyPlace

        @Flag(help: "Say it in JSON, as one line.")
        var json = false

        mutating func run() throws {
            let keys = try place.use { file throws(APIKeyError) in file.exists ? try file.read().keys : [] }
            if json {
                let list = keys.map { JSONValue.object(Self.object(of: $0)) }
                print(String(decoding: JSONValue.object(["keys": .array(list)]).bytes, as: UTF8.self))
            } else {
                print(keys.isEmpty ? "no keys" : keys.map(Self.line).joined(separator: "\n"))
            }
        }

        private static func object(of key: APIKey) -> JSONObject {
            let quota = key.quota
            return [
                "name": .string(key.name), "id": .string(key.id),
                "scopes": .array(APIKey.Scope.allCases.filter(key.scopes.contains).map { .string($0.rawValue) }),
                "createdAt": .string(key.createdAt.formatted(.iso8601)),
                "rate": .optional(quota.rate.map { "\($0)" }), "concurrency": .optional(quota.concurrency),
                "queueShare": .optional(quota.queueShare), "limits": .object(quota.ceilings.json),
            ]
        }

        private static func line(of key: APIKey) -> String {
            var words = [
                key.name, APIKey.Scope.allCases.filter(key.scopes.contains).map(\.rawValue).joined(separator: ","),
            ]
            if let rate = key.quota.rate { words.append("rate \(rate)") }
            if let concurrency = key.quota.concurrency { words.append("concurrency \(concurrency)") }
            if let queueShare = key.quota.queueShare { words.append("queue share \(queueShare)") }
            for member in key.quota.ceilings.json.members {
                guard case .number(let number) = member.value else { continue }
                words.append("\(member.name) \(number.literal)")
            }
            return words.joined(separator: "  ")
        }
    }

    struct RevokeCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Let a key open nothing any more; its jobs go on, for an admin's key to see.",
            discussion: "Exit 1 where there is no such key.")

        @OptionGroup var place: KeyPlace

        @Argument(help: "The key's name.")
        var name: String

        mutating func run() throws {
            let name = name
            try place.use { file throws(APIKeyError) in
                try file.change { (list) throws(APIKeyError) in
                    guard list.revoke(name) else { throw APIKeyError.unknown(name) }
                }
            }
        }
    }
}

/// Which key file.
struct KeyPlace: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(Settings.keys) var keys: String?
    @Option(Settings.stateDir) var stateDir: String?

    /// Where `serve` has them unless told otherwise.
    static func standard(in stateDirectory: String) -> String { "\(stateDirectory)/keys.json" }

    /// - Throws: `ExitCode(1)` after the reason was printed.
    func use<Value>(_ body: (APIKeyFile) throws(APIKeyError) -> Value) throws -> Value {
        let path = try Settings.keys.given(keys) ?? Self.standard(in: try Settings.stateDir.value(stateDir))
        do throws(APIKeyError) {
            return try body(APIKeyFile(path: path))
        } catch {
            note("keys: \(error)")
            throw ExitCode(1)
        }
    }
}

/// The most that a key's jobs may ask for of each limit.
struct CeilingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The most wall time of a run, such as 5s; each of a job's cases is one.", valueName: "time"))
    var maxWallTime: Milliseconds?

    @Option(help: ArgumentHelp("The most CPU time.", valueName: "time"))
    var maxCpuTime: Milliseconds?

    @Option(help: ArgumentHelp("The most memory, such as 64M.", valueName: "size"))
    var maxMemory: ByteCount?

    @Option(help: ArgumentHelp("The most processes and threads.", valueName: "count"))
    var maxProcesses: Int?

    @Option(help: ArgumentHelp("The most stdout and stderr together.", valueName: "size"))
    var maxOutput: ByteCount?

    @Option(help: ArgumentHelp("The largest file.", valueName: "size"))
    var maxFile: ByteCount?

    @Option(help: ArgumentHelp("The most in /box and /tmp together.", valueName: "size"))
    var maxDisk: ByteCount?

    @Option(help: ArgumentHelp("The most inodes there.", valueName: "count"))
    var maxInodes: Int?

    @Option(help: ArgumentHelp("The most open files in a process.", valueName: "count"))
    var maxOpenFiles: Int?

    @Option(help: ArgumentHelp("The most CPUs' worth of time, such as 0.5.", valueName: "number"))
    var maxCpus: Double?

    /// - Throws: `ValidationError` for a number that is no limit.
    func overrides() throws -> LimitOverrides {
        for (value, flag) in [
            (maxProcesses, "--max-processes"), (maxInodes, "--max-inodes"), (maxOpenFiles, "--max-open-files"),
        ] {
            if let value, value < 1 { throw ValidationError("\(flag) must be at least 1") }
        }
        if let maxCpus, !(maxCpus >= 0.01 && maxCpus.isFinite) {
            throw ValidationError("--max-cpus must be at least 0.01")
        }
        return LimitOverrides(
            wallTimeMs: maxWallTime?.count, cpuTimeMs: maxCpuTime?.count, memoryBytes: maxMemory?.bytes,
            processes: maxProcesses, outputBytes: maxOutput?.bytes, fileBytes: maxFile?.bytes,
            diskBytes: maxDisk?.bytes, inodes: maxInodes, openFiles: maxOpenFiles, cpus: maxCpus)
    }
}
