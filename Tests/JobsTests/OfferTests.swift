import Foundation
import Testing

@testable import Jobs

/// What several workers allow together.
@Suite("Offers of workers")
struct OfferTests {
    private static func worker(_ languages: [Language], _ edit: (inout Limits) -> Void = { _ in }) -> WorkerOffer {
        var maxima = Samples.maxima
        edit(&maxima)
        return WorkerOffer(languages: languages, maxima: maxima)
    }

    private static func problems(_ json: String, _ workers: [WorkerOffer]) -> [String] {
        do {
            _ = try ExecutionRequest(json: Data(json.utf8), offer: Offer(workers))
            return []
        } catch {
            return error.problems.map { "\($0.pointer) \($0.code.rawValue): \($0.detail)" }
        }
    }

    private static func request(_ limits: String, version: String = "", language: String = "javascript") -> String {
        #"{"language":"\#(language)","code":"1"\#(version.isEmpty ? "" : #","version":"\#(version)""#),"limits":{\#(limits)}}"#
    }

    @Test("a limit may be as large as one worker of the language allows, and its maximum is named")
    func largest() {
        let workers = [
            Self.worker([Samples.javascript]), Self.worker([Samples.javascript]) { $0.cpus = 8 },
            Self.worker([Samples.java]) { $0.cpus = 64 },
        ]
        #expect(Self.problems(Self.request(#""cpus":8"#), workers) == [])
        #expect(
            Self.problems(Self.request(#""cpus":8.5"#), workers)
                == ["#/limits/cpus out_of_range: must be between 0.01 and 8.0"])
        #expect(Self.problems(Self.request(#""cpus":64"#, language: "java"), workers) == [])
    }

    @Test("only workers count whose version fits")
    func versions() {
        let workers = [
            Self.worker([Samples.javascript]) { $0.memoryBytes = 4 << 30 }, Self.worker([Samples.newerJavascript]),
        ]
        #expect(Self.problems(Self.request(#""memoryBytes":4294967296"#), workers) == [])
        #expect(Self.problems(Self.request(#""memoryBytes":4294967296"#, version: "18"), workers) == [])
        #expect(
            Self.problems(Self.request(#""memoryBytes":4294967296"#, version: "20"), workers)
                == ["#/limits/memoryBytes out_of_range: must be between 1 and 1073741824"])
    }

    @Test("limits that only different workers allow are refused together")
    func together() {
        let workers = [
            Self.worker([Samples.javascript]) { $0.cpus = 8 },
            Self.worker([Samples.javascript]) { $0.memoryBytes = 4 << 30 },
        ]
        #expect(Self.problems(Self.request(#""cpus":8"#), workers) == [])
        #expect(Self.problems(Self.request(#""memoryBytes":4294967296"#), workers) == [])
        let both = Self.problems(Self.request(#""cpus":8,"memoryBytes":4294967296"#), workers)
        #expect(both.count == 1)
        #expect(both.first?.hasPrefix("#/limits out_of_range: ") == true, "\(both)")
    }

    @Test("without any worker the missing language is all that is said of a large limit; a senseless one stays wrong")
    func nobody() {
        #expect(
            Self.problems(Self.request(#""cpus":4096,"memoryBytes":1099511627776"#), [])
                == ["#/language unknown_language: no language can be run"])
        #expect(
            Self.problems(Self.request(#""cpus":0,"memoryBytes":0"#), []).map { $0.prefix { $0 != ":" } } == [
                "#/language unknown_language", "#/limits/memoryBytes out_of_range", "#/limits/cpus out_of_range",
            ])
    }

    @Test("each version of a language is there once, in the order of the workers")
    func languages() {
        let offer = Offer([
            Self.worker([Samples.javascript]), Self.worker([Samples.java, Samples.javascript]),
            Self.worker([Samples.newerJavascript]),
        ])
        #expect(offer.languages == [Samples.javascript, Samples.java, Samples.newerJavascript])
    }
}
