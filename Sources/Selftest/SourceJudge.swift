import Foundation
import Jobs
import Worker

extension Selftest {
    /// A source text, through the language layer and its compilation.
    func judgeSource(_ attack: Attack) async throws -> Judgement {
        guard let language = attack.language, let source = attack.source else {
            return .unjudged("the table has no source for it")
        }
        let control = try await control(language)
        guard control.verdict == .contained else { return control }
        let result = try await run(source, language: language, compileLimits: limits(of: attack, from: .compile))
        var judgement = verdict(of: result, expected: attack.expect, cpuPercent: 0).and(leaks(result))
        let diagnostics = (result.compile.map { $0.stdout + $0.stderr } ?? "") + result.stdout + result.stderr
        let said = attack.says?.alternatives ?? []
        if !said.isEmpty, judgement.verdict == .contained {
            // Stopped for another reason than the one that is claimed is not known to be stopped.
            guard let found = said.first(where: { diagnostics.contains($0) }) else {
                return .unjudged("\(judgement.reason), but the compiler says: \(diagnostics.prefix(300))")
            }
            judgement = .contained("\(judgement.reason); the compiler says: \(found)")
        }
        for part in attack.never?.alternatives ?? [] where diagnostics.contains(part) {
            return .escaped("the output has \(part) in it")
        }
        let alive = nothingAlive()
        let slots = await slotsWork()
        return judgement.and(alive).and(slots)
    }

    /// A harmless source: without it, a compiler that is not there would contain everything.
    private func control(_ language: String) async throws -> Judgement {
        if let known = languageControls[language] { return known }
        let sources = [
            "c": "#include <stdio.h>\nint main(void) { puts(\"fine\"); }\n",
            "c++": "#include <cstdio>\nint main() { std::puts(\"fine\"); }\n",
        ]
        guard let source = sources[language] else { return .unjudged("no harmless source in \(language)") }
        let result = try await run(source, language: language, compileLimits: .compile)
        let judgement: Judgement =
            result.status == .ok && result.stdout == "fine\n"
            ? .contained("")
            : .unjudged("a harmless source in \(language) ends with \(OwnFinding.ending(of: result))")
        languageControls[language] = judgement
        return judgement
    }

    /// Those of compilations that are no attack.
    nonisolated var usualCompileLimits: Limits {
        var limits = Limits.compile
        limits.wallTimeMs = max(limits.wallTimeMs, min(limits.wallTimeMs * timeScale, maxima.wallTimeMs))
        limits.cpuTimeMs = max(limits.cpuTimeMs, min(limits.cpuTimeMs * timeScale, maxima.cpuTimeMs))
        return limits
    }

    private func run(_ source: String, language: String, compileLimits: Limits) async throws -> ExecutionResult {
        let request: JSONValue = .object(["language": .string(language), "code": .string(source)])
        let compileLimits = compileLimits == .compile ? usualCompileLimits : compileLimits
        let parsed = try ExecutionRequest(json: Data(request.bytes), languages: languages.all, maxima: maxima)
        return await makeRunner(compileLimits).run(parsed, .init(id: JobID().description))
    }
}
