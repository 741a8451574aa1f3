import Foundation
import Jobs
import LaunchProtocol

@testable import Isolation
@testable import Worker

/// Languages as images offer them, requests for them, and outcomes as the engine reports them.
enum Samples {
    static let python = Language(
        name: "python", aliases: ["py"], version: "3.11.2", image: "default", fileName: "main.py",
        run: ["/usr/bin/python3", "{file}"], environment: ["PYTHONUNBUFFERED": "1", "TZ": "Europe/Berlin"])
    static let c = Language(
        name: "c", version: "12.2.0", image: "default", fileName: "main.c",
        compile: ["/usr/bin/gcc", "-o", "main", "{file}"], products: ["main"], run: ["/box/main"], policy: "compiled",
        compilePolicy: "compiler")
    static let java = Language(
        name: "java", version: "17.0.13", image: "java", fileName: "Main.java",
        compile: ["/usr/bin/javac", "-J-Xmx{heapMiB}m", "{file}"], products: ["*.class"],
        run: ["/usr/bin/java", "-Xmx{heapMiB}m", "Main"], memoryBytes: 256 << 20)

    static let languages = ServedLanguages(
        images: [("default", [python, c]), ("java", [java])], policies: ["default", "compiled", "compiler"])
    static let maxima = Limits.maximum(cores: 2)

    /// What the images and policies of `languages` are.
    static let contents = EngineContents(
        images: ["default 1", "java 1"], policies: ["default 1", "compiled 1", "compiler 1"])

    static func runner(
        _ engine: TableEngine, compileCache: CompileCache? = nil, memory: MemoryBudget? = nil, slots: SlotShares? = nil,
        caseTime: CaseTime = CaseTime()
    ) -> JobRunner {
        JobRunner(
            engine: engine, languages: languages, maxima: maxima, worker: "here", compileCache: compileCache,
            memory: memory, slots: slots, caseTime: caseTime)
    }

    static func request(_ json: String) throws(RequestProblems) -> ExecutionRequest {
        try ExecutionRequest(json: Data(json.utf8), languages: languages.all, maxima: maxima)
    }

    static func plan(_ json: String, _ language: Language, compileLimits: Limits = .compile) throws -> StagePlan {
        StagePlan(
            request: try request(json), language: language,
            placement: .init(image: 0, policy: 4, compilePolicy: 5), standard: .standard, compileLimits: compileLimits)
    }

    /// A report of a program that exited with 0, changed by `edit`.
    static func report(_ edit: (inout SandboxReport) -> Void = { _ in }) -> SandboxReport {
        var report = SandboxReport(
            waitStatus: 0, fired: [], wallTime: 4_200_400, cpuTime: 3_100_000, memoryPeak: 9 << 20, oomKills: 0,
            processLimitHits: 0, processPeak: nil, throttled: 1_500_000, diskFree: 60 << 20, inodesFree: 4_000)
        edit(&report)
        return report
    }

    static func outcome(
        _ report: SandboxReport = report(), output: String = "", error: String = "",
        files: [SandboxConfiguration.File] = [], skipped: [Outcome.SkippedFile] = []
    ) -> Outcome {
        Outcome(
            report: report, standardOutput: .init(bytes: Array(output.utf8)),
            standardError: .init(bytes: Array(error.utf8)), files: files, skippedFiles: skipped, start: .slot,
            setupTime: 400_000, isContended: false)
    }

    /// An outcome with the report that leads to this ending.
    static func outcome(_ ending: Ending) -> Outcome { outcome(report(of: ending)) }

    static func report(of ending: Ending) -> SandboxReport {
        report { report in
            switch ending {
            case .cancelled: (report.fired, report.waitStatus) = (.cancelled, nil)
            case .cpuTimeLimit: (report.fired, report.waitStatus) = (.cpuTime, nil)
            case .wallTimeLimit: (report.fired, report.waitStatus) = (.wallTime, nil)
            case .outputLimit: (report.fired, report.waitStatus) = (.output, nil)
            case .memoryLimit: (report.oomKills, report.waitStatus) = (1, 9)
            case .deniedCallLimit:
                (report.fired, report.waitStatus) = (.deniedCalls, nil)
                report.calls = [.init(number: 165, count: 1_000, isDenied: true)]
            case .watchedCallLimit:
                (report.fired, report.waitStatus) = (.watchedCalls, nil)
                report.calls = [.init(number: 72, count: 251_000, isDenied: false)]
            case .processLimit: (report.processLimitHits, report.waitStatus) = (7, 1 << 8)
            case .diskLimit: (report.diskFree, report.waitStatus) = (0, 1 << 8)
            case .exited(let code): report.waitStatus = code << 8
            case .signaled(let number): report.waitStatus = number
            }
        }
    }

    static let product = SandboxConfiguration.File(path: "main", contents: [0x7F, 0x45], isExecutable: true)
}
