// swift-tools-version: 6.2
import PackageDescription

/// One set of flags for every Swift target: a warning is an error, and what a file uses it imports itself.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// For programs in C alone that are to be one file. Without the object with which Swift's programs start (`-nostartfiles`; C's own
/// stay) nothing of Swift's runtime is linked in: a tenth of the size, and attacks go into every sandbox that they are tried in.
let staticC: [LinkerSetting] = [.unsafeFlags(["-static-executable", "-nostartfiles"])]

let package = Package(
    name: "bulkhead",
    products: [
        .executable(name: "bulkhead", targets: ["bulkhead"]),
        .executable(name: "bulkhead-launcher", targets: ["bulkhead-launcher"]),
        .executable(name: "bulkhead-attacks", targets: ["bulkhead-attacks"]),
        .executable(name: "bulkhead-bench-tool", targets: ["bulkhead-bench-tool"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // C: system calls that the Glibc module does not declare, the stub that a sandbox's processes wait as, and three
        // system libraries. No policy.
        .target(name: "CLinux"),
        .systemLibrary(name: "CCap"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CSeccomp"),

        // The kernel, and the bytes that the engine and the launcher exchange. Static-safe: Glibc and C shims only.
        .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "LaunchProtocol", dependencies: ["Linux"], swiftSettings: settings),

        // The root process: static, single-threaded.
        .executableTarget(
            name: "bulkhead-launcher",
            dependencies: ["CLinux", "CCap", "Linux", "LaunchProtocol"],
            path: "Sources/launcher",
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-static-executable"])]),

        // The isolation engine as the worker sees it.
        .target(name: "Seccomp", dependencies: ["CSeccomp", "CLinux", "Linux"], swiftSettings: settings),
        .target(
            name: "Isolation",
            dependencies: ["Linux", "LaunchProtocol", "Seccomp"],
            swiftSettings: settings),

        // Naming content by its digest. Optimised in debug builds too, whose tests hash whole images: 15 times as fast.
        .target(name: "Hashing", swiftSettings: settings + [.unsafeFlags(["-O"])]),
        // What an operator sets: by flag, environment variable or file. Knows no setting by name.
        .target(
            name: "SettingSources", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: settings),
        // Counting, and the page that tells of it. Knows nothing of what is counted.
        .target(name: "Telemetry", dependencies: ["Linux"], swiftSettings: settings),

        // What is asked and answered, and the path to the engine. None of these but Worker knows Isolation.
        .target(name: "Jobs", swiftSettings: settings),
        .target(
            name: "JobQueue", dependencies: ["Jobs"], swiftSettings: settings),
        .target(
            name: "RedisJobQueue",
            dependencies: [
                "CHiredis", "JobQueue", "Jobs", "Telemetry", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        // Who may use the API, and how much of it.
        .target(
            name: "Keyring", dependencies: ["Hashing", "Jobs", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "HTTPAPI",
            dependencies: [
                "Hashing", "Jobs", "JobQueue", "Keyring", "Telemetry",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            // The page at `/`, in the binary: that is copied alone.
            resources: [.embedInCode("Page")],
            swiftSettings: settings),
        // Programs for language models: the Model Context Protocol, which knows neither engine nor HTTP.
        .target(name: "MCP", dependencies: ["Jobs"], swiftSettings: settings),
        // The other end of the HTTP API.
        .target(
            name: "ServiceClient",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings),
        .target(
            name: "Images",
            dependencies: ["CLinux", "Hashing", "Jobs", "Linux", .product(name: "Yams", package: "Yams")],
            swiftSettings: settings),
        .target(
            name: "Worker",
            dependencies: [
                "Hashing", "Jobs", "JobQueue", "Isolation", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // Attacks on the sandbox from inside it, one file each, and what runs and judges them. The program is static, so
        // that it runs in any image, and in other sandboxes, as one file.
        .executableTarget(
            name: "bulkhead-attacks", path: "Sources/attacks", exclude: ["README.md"],
            cSettings: [.headerSearchPath("."), .unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: staticC),
        .target(
            name: "Selftest", dependencies: ["CLinux", "Isolation", "Jobs", "Linux", "Worker"], swiftSettings: settings),
        // What benchmarks measured, as tables, JSON and a plot; and the parts of the measuring that must be thin.
        .target(name: "Measurement", swiftSettings: settings),
        .executableTarget(
            name: "bulkhead-bench-tool", path: "Sources/bench-tool",
            cSettings: [.headerSearchPath("."), .unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: staticC),
        .executableTarget(
            name: "bulkhead",
            dependencies: [
                "CLinux", "HTTPAPI", "Hashing", "Images", "Isolation", "JobQueue", "Jobs", "Keyring", "Linux", "MCP",
                "Measurement", "RedisJobQueue", "Seccomp", "Selftest", "ServiceClient", "SettingSources", "Telemetry",
                "Worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .testTarget(name: "LinuxTests", dependencies: ["Linux"], swiftSettings: settings),
        .testTarget(name: "LaunchProtocolTests", dependencies: ["LaunchProtocol"], swiftSettings: settings),
        .testTarget(name: "SeccompTests", dependencies: ["CSeccomp", "Linux", "Seccomp"], swiftSettings: settings),
        .testTarget(name: "HashingTests", dependencies: ["Hashing"], swiftSettings: settings),
        .testTarget(name: "SettingSourcesTests", dependencies: ["SettingSources"], swiftSettings: settings),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: settings),
        .testTarget(name: "JobsTests", dependencies: ["Jobs"], swiftSettings: settings),
        // A redis-server for tests, on a socket in a folder of its own.
        .target(
            name: "RedisTestServer", dependencies: ["RedisJobQueue"], path: "Tests/Fixtures/redis",
            swiftSettings: settings),
        .target(
            name: "ManualClock", dependencies: ["JobQueue"], path: "Tests/Fixtures/clock", swiftSettings: settings),
        .testTarget(
            name: "JobQueueTests",
            dependencies: [
                "JobQueue", "Jobs", "ManualClock", "RedisJobQueue", "RedisTestServer",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RedisJobQueueTests",
            dependencies: [
                "JobQueue", "Jobs", "RedisJobQueue", "RedisTestServer", .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["interop"], swiftSettings: settings),
        .testTarget(
            name: "KeyringTests",
            dependencies: ["Keyring", "Hashing", "Jobs", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: [
                "HTTPAPI", "JobQueue", "Jobs", "Keyring", "Telemetry",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "Jobs", "Linux"], swiftSettings: settings),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Worker", "Hashing", "Isolation", "JobQueue", "Jobs", "LaunchProtocol", "ManualClock",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(name: "MCPTests", dependencies: ["Jobs", "MCP"], swiftSettings: settings),
        .testTarget(name: "ServiceClientTests", dependencies: ["ServiceClient"], swiftSettings: settings),
        .testTarget(name: "MeasurementTests", dependencies: ["Measurement"], swiftSettings: settings),
        // The judges of the self-test, on answers made up for them.
        .testTarget(name: "SelftestTests", dependencies: ["Jobs", "Selftest"], swiftSettings: settings),
        // What the sources and the binaries are made of: layers, static linkage, one thread.
        .testTarget(name: "ArchitectureTests", dependencies: ["Linux"], swiftSettings: settings),
        // Root and a kernel: skipped, and said so, without root.
        .testTarget(
            name: "IsolationTests", dependencies: ["CLinux", "Isolation", "LaunchProtocol", "Linux", "Seccomp"],
            swiftSettings: settings),
        // A job that tries what a job must not be able to do. Static, so that it runs in any image as one file.
        .executableTarget(
            name: "bulkhead-test-probe", path: "Tests/Fixtures/probe",
            linkerSettings: staticC),
        // A process that drives an engine, to be killed by tests.
        .executableTarget(
            name: "bulkhead-test-driver", dependencies: ["Isolation", "LaunchProtocol", "Seccomp"],
            path: "Tests/Fixtures/driver", swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "JobQueue", "Jobs", "Linux", "RedisJobQueue", "RedisTestServer",
                .product(name: "Logging", package: "swift-log"),
            ], exclude: ["browser", "mcp", "shell"], swiftSettings: settings),
    ]
)
