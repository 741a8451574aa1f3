import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import Keyring
import NIOCore
import Testing

@testable import HTTPAPI

/// What a browser can be made to send.
@Suite(.timeLimit(.minutes(1))) struct OriginTests {
    private func access(_ rules: AccessRules = AccessRules(), host: String = "127.0.0.1") -> AccessControl {
        AccessControl(rules, host: host)
    }

    @Test(
        "a host is read as RFC 3986 has it",
        arguments: [
            ("localhost", "localhost"), ("LocalHost:3000", "localhost"), ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:3000", "[::1]"), ("[::1]", "[::1]"), ("a-b.c_d:", "a-b.c_d"), ("", nil), (":80", nil),
            ("a b", nil), ("a,b", nil), ("a:b", nil), ("a:123456", nil), ("[::1", nil), ("[::1]x", nil), ("[x]", nil),
            ("::1", nil), ("a/b", nil), ("a@b", nil), ("é", nil), ("a\u{0}", nil),
        ] as [(String, String?)])
    func readsHosts(text: String, name: String?) {
        #expect(HostName(text)?.name == name)
    }

    @Test("without keys the API is called by names of this machine alone")
    func allowsHosts() async throws {
        let rules = AccessRules(allowedHosts: ["Build.internal"])
        try await LiveServer.run(configuration: APIConfiguration(port: 0, access: rules)) { server in
            func expect(_ status: String, to head: String) async throws {
                let answer = try await server.connect { connection in
                    try await connection.send("GET /api/languages HTTP/1.1\r\n\(head)connection: close\r\n\r\n")
                    return await connection.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
            }
            for host in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:3000", "build.internal:8080"] {
                try await expect("200", to: "host: \(host)\r\n")
            }
            for host in [
                "evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "[::2]", "0.0.0.0",
                "localhost.",
            ] {
                try await expect("421", to: "host: \(host)\r\n")
            }
            // None, two, and one that is none.
            try await expect("400", to: "")
            try await expect("400", to: "host: localhost\r\nhost: localhost\r\n")
            try await expect("400", to: "host: localhost\r\nhost: evil.example\r\n")
            try await expect("400", to: "host: localhost evil.example\r\n")
            try await expect("400", to: "host:\r\n")
        }
    }

    @Test("the address that it listens on is a name of its own; with keys any name will do")
    func knowsItsOwnAddress() async throws {
        let keys = try SampleKeys.usual()
        for (configuration, status) in [
            (APIConfiguration(host: "::1", port: 0), HTTPResponse.Status.ok), (keys.configuration, .ok),
        ] {
            let fixture = Fixture(configuration: configuration)
            try await fixture.test { client in
                let response = try await client.executeRequest(
                    uri: "/api/languages", method: .get, headers: keys.fields("reads"), body: nil)
                #expect(response.status == status)
            }
        }
        try await LiveServer.run(configuration: keys.configuration) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "GET /api/languages HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n"
                        + "authorization: Bearer \(keys.secret("reads"))\r\n\r\n")
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        }
    }

    @Test("a page of another origin is refused before anything is done; those of its own are not")
    func refusesOtherOrigins() async throws {
        let fixture = Fixture()
        try await fixture.test { client in
            let cases: [(HTTPFields, Bool)] = [
                ([.origin: "https://evil.example"], false), ([.origin: "null"], false),
                ([.origin: "http://localhost:9999"], false), ([.origin: "http://localhost.evil.example"], false),
                ([.secFetchSite: "cross-site"], false), ([.secFetchSite: "same-site"], false),
                ([.origin: "http://localhost"], true), ([.origin: "https://localhost"], true),
                ([.secFetchSite: "same-origin"], true), ([.secFetchSite: "none"], true), ([:], true),
            ]
            var accepted = 0
            for (more, isAllowed) in cases {
                var fields = more
                fields[.contentType] = "application/json"
                let response = try await client.post("/api/jobs", Fixture.sample, headers: fields)
                #expect(response.headers[.accessControlAllowOrigin] == nil)
                #expect(response.headers[.vary] == nil)
                if isAllowed {
                    #expect(response.status == .accepted, "\(more)")
                    accepted += 1
                } else {
                    try response.expectProblem(.forbidden, "cross_site")
                }
            }
            #expect(await fixture.queue.counts().queued == accepted)
            // No CORS: a preflight is a method like others.
            let preflight = try await client.executeRequest(
                uri: "/api/jobs", method: .options,
                headers: [.origin: "https://evil.example", .accessControlRequestMethod: "POST"], body: nil)
            try preflight.expectProblem(.methodNotAllowed, "method_not_allowed")
        }
    }

    @Test("an origin that is named may call, and read the answer, also one that says no; another may not")
    func answersCORS() async throws {
        let app = "https://app.example"
        let keys = try SampleKeys.usual()
        let rules = AccessRules(keys: keys.store, corsOrigins: [app])
        let fixture = Fixture(configuration: APIConfiguration(port: 0, access: rules))
        try await fixture.test { client in
            func preflight(_ origin: String, _ uri: String = "/api/jobs/x") async throws -> TestResponse {
                try await client.executeRequest(
                    uri: uri, method: .options, headers: [.origin: origin, .accessControlRequestMethod: "DELETE"],
                    body: nil)
            }
            let allowed = try await preflight(app)
            #expect(allowed.status == .noContent)
            #expect(allowed.headers[.accessControlAllowOrigin] == app)
            #expect(allowed.headers[.accessControlAllowMethods] == "DELETE, GET, HEAD")
            #expect(allowed.headers[.accessControlAllowHeaders]?.contains("authorization") == true)
            #expect(allowed.headers[.accessControlAllowCredentials] == nil)
            #expect(allowed.headers[.vary] == "origin")
            for other in ["https://app.example.evil.example", "http://app.example", "https://APP.example", "null"] {
                let refused = try await preflight(other)
                #expect(refused.status == .methodNotAllowed)
                #expect(refused.headers[.accessControlAllowOrigin] == nil)
            }
            let done = try await client.post(
                "/api/jobs", Fixture.sample, headers: keys.fields("alice", [.origin: app]))
            #expect(done.status == .accepted)
            #expect(done.headers[.accessControlAllowOrigin] == app)
            let denied = try await client.post("/api/jobs", "{", headers: [.origin: app])
            #expect(denied.status == .unauthorized)
            #expect(denied.headers[.accessControlAllowOrigin] == app)
            let other = try await client.post(
                "/api/jobs", Fixture.sample, headers: keys.fields("alice", [.origin: "https://evil.example"]))
            try other.expectProblem(.forbidden, "cross_site")
            #expect(other.headers[.accessControlAllowOrigin] == nil)
            #expect(other.headers[.vary] == "origin")
        }
    }

    @Test(
        "only whole origins can be allowed",
        arguments: [
            ("https://app.example", true), ("http://localhost:5173", true), ("*", false), ("null", false),
            ("https://*.example", false), ("https://app.example/", false), ("https://App.example", false),
            ("app.example", false), ("https://", false), ("https://a@b", false),
        ])
    func readsOrigins(text: String, isOne: Bool) {
        #expect(AccessRules.isOrigin(text) == isOne)
    }
}
