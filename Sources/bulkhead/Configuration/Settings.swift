import HTTPAPI
import Images
import Logging
import SettingSources

/// Every setting of the services: the one place of its key in the configuration file, its flag (`--KEY`), its environment
/// variable, what it can be, its default and its help.
///
/// To add one: a line here, its name in `sections`, and `@Option(Settings.NAME) var NAME: String?` (`@Flag` and `Bool` for a
/// switch, `[String]` for a list) with the command that takes it.
enum Settings {
    // MARK: Where things are
    static let stateDir = Setting(
        "state-dir", "BULKHEAD_STATE_DIR", .text("dir"),
        default: .value(ImageStore.defaultStateDirectory, ImageStore.defaultStateDirectory),
        help: "Where images are kept")
    static let recipes = Setting(
        "recipes", "BULKHEAD_RECIPES", .text("dir"), default: .computed("none"),
        help: "A folder with image recipes, before the standard ones")
    static let policies = Setting(
        "policies", "BULKHEAD_POLICIES", .text("dir"), default: .computed("those of this installation"),
        help: "A folder with the seccomp policies: init.json, default.json, and those that recipes name")
    static let launcher = Setting(
        "launcher", "BULKHEAD_LAUNCHER", .text("path"), default: .computed("that of this installation"),
        help: "The bulkhead-launcher binary")
    static let attacks = Setting(
        "attacks", "BULKHEAD_ATTACKS", .text("path"), default: .computed("that of this installation"),
        help: "The bulkhead-attacks binary, for bulkhead selftest")

    // MARK: HTTP
    static let host = Setting(
        "host", "BULKHEAD_HOST", .text("address"), default: .value("127.0.0.1", "127.0.0.1"),
        help: "The address to listen on")
    static let port = Setting(
        "port", "PORT", .integer(0...65_535, valueName: "port"), default: .value(3_000, "3000"), letter: "p",
        help: "The port to listen on; 0 lets the kernel choose")
    static let maxWait = Setting(
        "max-wait", "BULKHEAD_MAX_WAIT", .time(to: .seconds(3_600)), default: .value(.seconds(90), "90s"),
        help: "The longest that a request waits for its result")
    static let ttl = Setting(
        "ttl", "BULKHEAD_TTL", .time(to: .seconds(604_800)), default: .value(.seconds(3_600), "3600s"),
        help: "How long a job may wait to be run before it expires")

    // MARK: Who may use the API
    static let keys = Setting(
        "keys", "BULKHEAD_KEYS", .text("file"),
        default: .computed("serve: keys.json in state-dir, where there is one; api: none"),
        help: "The file with the API keys, made by bulkhead keys")
    static let withoutKeys = Setting(
        "without-keys", "BULKHEAD_WITHOUT_KEYS", .toggle, default: .value(false, "false"),
        help: "Ask nobody for an API key, on whatever address")
    static let allowedHost = Setting(
        "allowed-host", "BULKHEAD_ALLOWED_HOSTS",
        .list("name", allowed: "a name or an address without a port", where: AccessRules.isHost),
        default: .value([], ""),
        help: "Another name or address that metrics-port, and without keys the API, may be called by; a list")
    static let corsOrigin = Setting(
        "cors-origin", "BULKHEAD_CORS_ORIGINS",
        .list("origin", allowed: "such as https://app.example, in lower case", where: AccessRules.isOrigin),
        default: .value([], ""), help: "An origin whose pages may call the API from a browser; a list")

    // MARK: Queue
    static let queue = Setting(
        "queue", "BULKHEAD_QUEUE", .word(["embedded", "redis"]),
        default: .computed("redis where redis-url or redis-host is set, else embedded"),
        help: "Where jobs wait: in this process, or in Redis")
    static let redisURL = Setting(
        "redis-url", "REDIS_URL",
        // What else is wrong with one is told by who reads it, in words of its own.
        .text("url", allowed: "redis://host:port or unix:///path") { $0.contains(":/") },
        default: .computed("none"), isSecret: true,
        help:
            "The Redis, as redis://[[user]:password@]host[:port][/database] or unix:///path; a password on the command "
            + "line is seen by every user of the host")
    static let redisHost = Setting(
        "redis-host", "REDIS_HOST", .text("address"), default: .computed("none"),
        help: "The host of the Redis, where redis-url is not set")
    static let redisPort = Setting(
        "redis-port", "REDIS_PORT", .integer(1...65_535, valueName: "port"), default: .value(6_379, "6379"),
        help: "The port of the Redis on redis-host")
    static let queueName = Setting(
        "queue-name", "BULKHEAD_QUEUE_NAME", queueWord, default: .value("code-execution", "code-execution"),
        help: "BullMQ's name of the queue in Redis")
    static let queuePrefix = Setting(
        "queue-prefix", "BULKHEAD_QUEUE_PREFIX", queueWord, default: .value("bull", "bull"),
        help: "BullMQ's prefix of the queue in Redis; for a cluster '{bull}'")
    static let maxQueued = Setting(
        "max-queued", "BULKHEAD_MAX_QUEUED", .integer(1...1_000_000), default: .value(1_000, "1000"),
        help: "How many jobs may wait")
    static let lockDuration = Setting(
        "lock-duration", "BULKHEAD_LOCK_DURATION", .time(from: .seconds(1), to: .seconds(3_600)),
        default: .value(.seconds(15), "15s"), help: "How long a worker keeps a job in Redis without a word")
    static let stalledInterval = Setting(
        "stalled-interval", "BULKHEAD_STALLED_INTERVAL", .time(from: .seconds(1), to: .seconds(3_600)),
        default: .value(.seconds(5), "5s"), help: "Time between two looks for jobs in Redis whose worker died")

    // MARK: Jobs
    static let slots = Setting(
        "slots", "BULKHEAD_SLOTS", .integer(1...256), default: .computed("2 for each core"),
        help: "How many programs run at once")
    static let maxJobTime = Setting(
        "max-job-time", "BULKHEAD_MAX_JOB_TIME", .time(from: .seconds(1), to: .seconds(86_400)),
        default: .value(.seconds(300), "300s"),
        help: "How long the cases of one job may take together; those that it does not suffice for are skipped")
    static let memoryBudget = Setting(
        "memory-budget", "BULKHEAD_MEMORY_BUDGET", .size(),
        default: .computed("80% of the host's memory, or of its control group's, less ahead-memory"),
        help: "What the memory limits of all running programs may add up to; more of them wait")
    static let compileCacheBytes = Setting(
        "compile-cache-bytes", "BULKHEAD_COMPILE_CACHE_BYTES", .size(orNone: true),
        default: .computed("256M, on small hosts a sixteenth of the memory"),
        help: "How much of what compilers made is kept for jobs with the same source; 0 for nothing")
    static let aheadMemory = Setting(
        "ahead-memory", "BULKHEAD_AHEAD_MEMORY", .size(orNone: true),
        default: .computed("512M, on small hosts a sixteenth of the memory"),
        help: "How much memory interpreters may take that are started before their programs come; 0 for none")

    // MARK: Logs and metrics
    static let logFormat = Setting(
        "log-format", "BULKHEAD_LOG_FORMAT", .word(["text", "json"]), default: .value("text", "text"),
        help: "How log lines are written; json for one object a line")
    static let logLevel = Setting(
        "log-level", "BULKHEAD_LOG_LEVEL", .word(Logger.Level.allCases.map(\.rawValue)),
        default: .value("info", "info"), help: "The least that is logged")
    static let auditLog = Setting(
        "audit-log", "BULKHEAD_AUDIT_LOG", .text("file"), default: .computed("none"),
        help: "A file that gets a JSON line for each job, by hashes and sizes; - for standard output")
    static let metricsHost = Setting(
        "metrics-host", "BULKHEAD_METRICS_HOST", .text("address"), default: .value("127.0.0.1", "127.0.0.1"),
        help: "The address of metrics-port")
    static let metricsPort = Setting(
        "metrics-port", "BULKHEAD_METRICS_PORT", .integer(0...65_535, valueName: "port"), default: .computed("none"),
        help: "A port for GET /metrics and nothing else, without API keys; 0 lets the kernel choose")

    /// As the configuration file lists them.
    static let sections = [
        SettingSection("Where things are", [stateDir, recipes, policies, launcher, attacks]),
        SettingSection("HTTP (serve, api)", [host, port, maxWait, ttl]),
        SettingSection("Who may use the API (serve, api)", [keys, withoutKeys, allowedHost, corsOrigin]),
        SettingSection(
            "Queue",
            [
                queue, redisURL, redisHost, redisPort, queueName, queuePrefix, maxQueued, lockDuration, stalledInterval,
            ]),
        SettingSection("Jobs (serve, worker)", [slots, maxJobTime, memoryBudget, compileCacheBytes, aheadMemory]),
        SettingSection("Logs and metrics", [logFormat, logLevel, auditLog, metricsHost, metricsPort]),
    ]

    static let all = sections.flatMap(\.settings)

    /// BullMQ parts its keys by colons and refuses them in names as well.
    private static let queueWord = SettingKind.text("name", allowed: "1 to 128 bytes without a colon") { text in
        (1...128).contains(text.utf8.count) && !text.contains(":")
    }
}
