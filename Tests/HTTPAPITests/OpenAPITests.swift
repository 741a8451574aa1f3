import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Synchronization
import Testing

@testable import HTTPAPI

/// The document says what the code does.
@Suite("OpenAPI document")
struct OpenAPITests {
    private let fixture = Fixture()

    private func document() async throws -> JSONObject {
        try await fixture.test { client in
            let answer = try await client.send(.get, "/openapi.json")
            #expect(answer.status == .ok)
            return try answer.json
        }
    }

    /// What stands at a path of member names.
    private func at(_ path: String..., in document: JSONObject) throws -> JSONObject {
        try path.reduce(document) { object, name in
            guard case .object(let inner) = object[name] else { throw Missing(name: name) }
            return inner
        }
    }

    private struct Missing: Error { var name: String }

    @Test("every route is in it, and nothing else")
    func routes() async throws {
        let document = try await document()
        let paths = try at("paths", in: document)
        var described: [String] = []
        for path in paths.members {
            for method in try at(path.name, in: paths).members {
                described.append("\(method.name.uppercased()) \(path.name)")
            }
        }
        let routes = fixture.server.api.routes.all.filter { !Routes.pagePaths.contains($0.pattern) }
        #expect(described.sorted() == (routes.map { "\($0.method) \($0.pattern)" } + ["GET /metrics"]).sorted())
        for route in routes {
            let operation = Operation.all.first { $0.method == route.method && $0.path == route.pattern }
            #expect(operation?.access == route.access, "\(route.pattern)")
        }
        let ids = Operation.all.map(\.id)
        #expect(Set(ids).count == ids.count)
    }

    @Test("every reference and every link leads somewhere")
    func references() async throws {
        let document = try await document()
        let schemas = Set(try at("components", "schemas", in: document).members.map(\.name))
        func visit(_ value: JSONValue) {
            switch value {
            case .object(let object):
                for member in object.members {
                    if member.name == "$ref", case .string(let text) = member.value {
                        #expect(schemas.contains(text.replacing("#/components/schemas/", with: "")), "\(text)")
                    }
                    if member.name == "operationId", case .string(let text) = member.value {
                        #expect(Operation.all.contains { $0.id == text }, "\(text)")
                    }
                    visit(member.value)
                }
            case .array(let elements): for element in elements { visit(element) }
            default: break
            }
        }
        visit(.object(document))
    }

    @Test("a request has the fields that are read, and the languages, limits and maxima that hold now")
    func request() async throws {
        let document = try await document()
        let schemas = try at("components", "schemas", in: document)
        let fields = try at("ExecutionRequest", "properties", in: schemas)
        #expect(Set(fields.members.map(\.name)) == ExecutionRequest.fieldNames)
        #expect(
            try at("language", in: fields)["enum"]
                == .array(["c", "javascript", "js", "node"].map(JSONValue.string)))
        let limits = try at("LimitOverrides", "properties", in: schemas)
        #expect(limits.members.map(\.name) == Limits.standard.json.members.map(\.name))
        let maxima = Limits.maximum(cores: 2)
        for limit in maxima.json.members {
            #expect(try at(limit.name, in: limits)["maximum"] == limit.value, "\(limit.name)")
            #expect(try at(limit.name, in: limits)["default"] == Limits.standard.json[limit.name], "\(limit.name)")
        }
        #expect(try at("timeout", in: fields)["maximum"] == .integer(maxima.wallTimeMs))
        let without = OpenAPIDocument(offer: Offer([]), bounds: .standard).json
        #expect(
            try at("components", "schemas", "LimitOverrides", "properties", "wallTimeMs", in: without)["maximum"] == nil
        )
    }

    /// The names of an object and of those in it, with what is in arrays, as paths.
    private func names(_ value: JSONValue, at path: String = "") -> Set<String> {
        switch value {
        case .object(let object):
            object.members.reduce(into: []) { names, member in
                names.insert("\(path)/\(member.name)")
                // What a client put in is not ours to describe.
                if member.name != "metadata" { names.formUnion(self.names(member.value, at: "\(path)/\(member.name)")) }
            }
        case .array(let elements): elements.reduce(into: []) { $0.formUnion(names($1, at: path)) }
        default: []
        }
    }

    /// The names that a schema has, as paths in the same form.
    private func names(_ schema: JSONObject, at path: String = "", in schemas: JSONObject) throws -> Set<String> {
        if case .string(let reference) = schema["$ref"] {
            return try names(
                try at(reference.replacing("#/components/schemas/", with: ""), in: schemas), at: path, in: schemas)
        }
        if case .array(let choices) = schema["anyOf"] {
            return try choices.reduce(into: []) { all, choice in
                if case .object(let choice) = choice { all.formUnion(try names(choice, at: path, in: schemas)) }
            }
        }
        if case .object(let items) = schema["items"] { return try names(items, at: path, in: schemas) }
        guard case .object(let properties) = schema["properties"] else { return [] }
        return try properties.members.reduce(into: []) { all, member in
            all.insert("\(path)/\(member.name)")
            if case .object(let inner) = member.value {
                all.formUnion(try names(inner, at: "\(path)/\(member.name)", in: schemas))
            }
        }
    }

    @Test("an answer has the fields that are written")
    func result() async throws {
        let schemas = try at("components", "schemas", in: try await document())
        var result = Fixture.result(JobID().description)
        result.files = [CollectedFile(path: "a", content: nil, bytes: 0, skipped: "too large")]
        result.compile = CompileResult(
            status: .ok, exitCode: 0, signal: nil, stdout: "", stderr: "", wallTimeMs: 1, cpuTimeMs: 1, memoryBytes: 1,
            cached: false)
        result.evidence.limits = .standard
        result.cases = CaseResults(skipped: TestCases([TestCase()]))
        result.evidence.deniedSyscalls = [.init(name: "bpf", count: 1)]
        #expect(names(.object(result.jsonObject)) == (try names(try at("Result", in: schemas), in: schemas)))
        #expect(
            try at("Result", "properties", "status", in: schemas)["enum"]
                == .array(Status.allCases.map { .string($0.rawValue) }))
        try await fixture.test { client in
            let problem = try await client.post("/api/jobs", #"{"language":"c"}"#).json
            #expect(names(.object(problem)) == (try names(try at("Problem", in: schemas), in: schemas)))
        }
    }

    @Test("a job and its acceptance have the fields that are written")
    func job() async throws {
        let schemas = try at("components", "schemas", in: try await document())
        try await fixture.test { client in
            let accepted = try await client.post("/api/jobs", Fixture.sample).json
            #expect(names(.object(accepted)) == (try names(try at("Accepted", in: schemas), in: schemas)))
            guard case .string(let id) = accepted["id"] else { throw Missing(name: "id") }
            try await fixture.runNext()
            let job = try await client.send(.get, "/api/jobs/\(id)").json
            let described = try names(try at("Job", in: schemas), in: schemas)
            #expect(names(.object(job)).subtracting(described).isEmpty)
            #expect(job.members.map(\.name) == (try at("Job", "properties", in: schemas)).members.map(\.name))
        }
    }

    @Test("the workers have the fields that are written")
    func workers() async throws {
        let schemas = try at("components", "schemas", in: try await document())
        try await fixture.test { client in
            let told = try await client.send(.get, "/api/workers").json
            #expect(names(.object(told)) == (try names(try at("Workers", in: schemas), in: schemas)))
        }
    }

    @Test("it is made once for each offer, and made again for another")
    func madeOnce() {
        let made = Mutex(0)
        let page = OpenAPIPage { offer in
            made.withLock { $0 += 1 }
            return OpenAPIDocument(offer: offer, bounds: .standard).json
        }
        func offer(_ languages: [Language]) -> Offer {
            Offer([WorkerOffer(languages: languages, maxima: .maximum(cores: 2))])
        }
        let all = page.body(of: offer(Fixture.languages))
        #expect(page.body(of: offer(Fixture.languages)) == all)
        #expect(made.withLock { $0 } == 1)
        #expect(page.body(of: offer(Array(Fixture.languages.prefix(1)))) != all)
        #expect(page.body(of: offer(Fixture.languages)) == all)
        #expect(made.withLock { $0 } == 3)
    }
}
