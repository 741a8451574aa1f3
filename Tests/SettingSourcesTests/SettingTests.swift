import Foundation
import SettingSources
import Testing

@Suite("Settings")
struct SettingTests {
    private static let port = Setting(
        "port", "PORT", .integer(0...65_535), default: .value(3_000, "3000"), help: "The port")
    private static let wait = Setting(
        "max-wait", "MAX_WAIT", .time(to: .seconds(60)), default: .value(.seconds(9), "9s"), help: "The wait")
    private static let budget = Setting(
        "memory-budget", "BUDGET", .size(), default: .computed("most of it"), help: "The memory")
    private static let url = Setting(
        "redis-url", "REDIS_URL", .text("url", allowed: "a url") { $0.hasPrefix("redis:") }, default: .computed("none"),
        isSecret: true, help: "The Redis")
    private static let open = Setting("open", "OPEN", .toggle, default: .value(false, "false"), help: "Whether")
    private static let level = Setting(
        "log-level", "LEVEL", .word(["info", "debug", "trace"]), default: .value("info", "info"), help: "How much")
    private static let hosts = Setting(
        "allowed-host", "HOSTS", .list("name", allowed: "names without a slash") { !$0.contains("/") },
        default: .value([], ""), help: "Who")
    private static let all: [any AnySetting] = [port, wait, budget, url, open, level, hosts]

    private func file(_ text: String) throws(SettingError) -> ConfigurationFile {
        try ConfigurationFile(text: text, path: "f.yaml", settings: Self.all)
    }

    private func problem(_ text: String) -> String {
        do throws(SettingError) {
            _ = try file(text)
            return ""
        } catch {
            return error.description
        }
    }

    @Test("flag before environment before file before default")
    func precedence() throws {
        var sources = SettingSources(environment: [:], file: nil)
        func now(_ flag: [String]? = nil) throws -> (Int?, SettingOrigin) {
            let (value, origin) = try Self.port.resolved(flag: flag, in: sources)
            return (value, origin)
        }
        #expect(try now() == (3_000, .standard))
        sources.file = try file("# a comment\n\nport: 1\n")
        #expect(try now() == (1, .file(path: "f.yaml", line: 3, key: "port")))
        sources.environment["PORT"] = ""
        #expect(try now().0 == 1)
        sources.environment["PORT"] = "2"
        #expect(try now() == (2, .environment("PORT")))
        #expect(try now(["3"]) == (3, .flag("port")))
        // What is overruled is not looked at: a wrong variable harms nobody who gives the flag.
        sources.environment["PORT"] = "many"
        #expect(try now(["3"]).0 == 3)
    }

    @Test("who set a wrong value is named, and what is allowed")
    func wrong() throws {
        var sources = SettingSources(environment: ["PORT": "70000"])
        #expect(throws: SettingError("PORT must be a number from 0 to 65535, not '70000'")) {
            try Self.port.resolved(flag: nil, in: sources)
        }
        #expect(throws: SettingError("--port must be a number from 0 to 65535, not 'x'")) {
            try Self.port.resolved(flag: ["x"], in: sources)
        }
        sources.environment["REDIS_URL"] = "rediss://:secret@h"
        #expect(throws: SettingError("REDIS_URL must be a url")) { try Self.url.resolved(flag: nil, in: sources) }
    }

    @Test("a wrong line of the file is told by its number, whichever command asks for it")
    func lines() {
        #expect(problem("port: 1\nopen: maybe\n") == "f.yaml:2: open must be true or false, not 'maybe'")
        #expect(problem("\n\nport: [1]") == "f.yaml:3: port must be a number from 0 to 65535, on one line")
        #expect(problem("max-wait: 61").hasPrefix("f.yaml:1: max-wait must be a time from 1ms to 60s"))
        #expect(problem("memory-budget: 0").hasPrefix("f.yaml:1: memory-budget must be a number of bytes"))
        #expect(problem("log-level: loud").contains("must be one of info, debug, trace"))
        #expect(
            problem("allowed-host: [a, b/c]") == "f.yaml:1: allowed-host must be names without a slash, not 'a, b/c'")
        #expect(problem("redis-url: http://:secret@h") == "f.yaml:1: redis-url must be a url")
        #expect(problem("port: 1\nport: 2\n").contains("given more than once: port"))
        #expect(problem("port: 1\n  max-wait: 2\n").hasPrefix("f.yaml:2: is not YAML"))
        #expect(problem("- port\n") == "f.yaml:1: must be lines of KEY: VALUE")
    }

    @Test(
        "a name that is none is told with its line and the nearest that is one",
        arguments: [
            ("prot", "port"), ("max_wait", "max-wait"), ("maxWait", "max-wait"), ("LogLevel", "log-level"),
            ("redis_uri", "redis-url"), ("allowed-hosts", "allowed-host"),
        ])
    func unknown(name: String, nearest: String) {
        #expect(
            problem("port: 1\n\(name): 2\n")
                == "f.yaml:2: no setting is named '\(name)'; the nearest is \(nearest) "
                + "(bulkhead config example lists all)")
    }

    @Test("an empty file, one of comments, and a key without a value set nothing")
    func nothing() throws {
        for text in ["", "# port: 1\n", "port:\n", "port: null\nopen: ~\n"] {
            #expect(try file(text).entries.isEmpty, "\(text)")
        }
    }

    @Test("values keep the letters that they are written with")
    func texts() throws {
        let file = try file(
            "log-level: info\nopen: true\nmemory-budget: 1G\nmax-wait: 500ms\nallowed-host: [yes, 1.10]\n")
        let sources = SettingSources(file: file)
        #expect(try Self.budget.resolved(flag: nil, in: sources).value == 1 << 30)
        #expect(try Self.wait.resolved(flag: nil, in: sources).value == .milliseconds(500))
        #expect(try Self.open.resolved(flag: nil, in: sources).value == true)
        #expect(try Self.hosts.resolved(flag: nil, in: sources).value == ["yes", "1.10"])
        let variable = SettingSources(environment: ["HOSTS": "a, b"], file: file)
        #expect(try Self.hosts.resolved(flag: nil, in: variable).value == ["a", "b"])
        #expect(try Self.hosts.resolved(flag: ["c"], in: variable).value == ["c"])
    }

    @Test("the example sets nothing, and with its comments taken away what holds anyway")
    func example() throws {
        let text = ExampleFile.text(heading: "What\n\nwhy", sections: [SettingSection("All", Self.all)])
        #expect(try file(text).entries.isEmpty)
        let active = text.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && $0 != "#" }
            .map { $0.dropFirst() }
        #expect(active.count == Self.all.count)
        let all = try file(active.joined(separator: "\n"))
        for setting in Self.all {
            #expect(
                all.entries[setting.key]?.texts.joined() ?? "" == setting.standardText ?? "", "\(setting.key)")
        }
        for word in ["", " a", "a: b", "yes #", "- x", "'", "~", "@x", "it's"] {
            let quoted = try file("redis-url: 'redis:'\nallowed-host: \(ExampleFile.quoted(word))\n")
            #expect(quoted.entries["allowed-host"]?.texts ?? [""] == [word])
        }
    }

    @Test("only a regular file is read, and as root only one that nobody else writes")
    func filesOfOthers() throws {
        let folder = NSTemporaryDirectory() + "bulkhead-settings-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/f.yaml"
        try Data("port: 4".utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o644)
        func problem(_ path: String) -> String {
            do throws(SettingError) {
                _ = try ConfigurationFile(path: path, settings: Self.all)
                return ""
            } catch { return error.description }
        }
        #expect(problem(path) == "" && problem("/dev/null") == "")
        #expect(problem(folder) == "\(folder) is no file")
        // Nor waited for.
        #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
        #expect(problem("\(folder)/fifo") == "\(folder)/fifo is no file")
        #expect(problem("\(folder)/none") == "\(folder)/none cannot be read: No such file or directory")
        guard geteuid() == 0 else { return }
        chmod(path, 0o664)
        #expect(problem(path) == "\(path) can be written by others than its owner: chmod go-w \(path)")
        chmod(path, 0o644)
        #expect(chown(path, 12_345, 0) == 0)
        #expect(problem(path) == "\(path) belongs to user 12345, and this runs as root: chown root \(path)")
    }
}
