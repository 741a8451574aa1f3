import Foundation
import HTTPTypes
import HummingbirdTesting
import JobQueue
import Jobs
import NIOCore
import Testing

@testable import HTTPAPI

/// How the page at `/` is served. What it does is tested in a browser (EndToEndTests).
@Suite("Page")
struct PageTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/HTTPAPI/Page")

    private static func sources() throws -> [String: String] {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.reduce(into: [:]) {
            $0[$1.lastPathComponent] = try String(contentsOf: $1, encoding: .utf8)
        }
    }

    @Test("every file of the page is served as it is, with its type, and no other")
    func files() async throws {
        let sources = try Self.sources()
        #expect(Set(sources.keys) == Set(PageFile.parts.keys).union(["index.html"]))
        let types = ["css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "html": "text/html"]
        try await Fixture().test { client in
            for (name, text) in sources {
                let answer = try await client.send(.get, name == "index.html" ? "/" : "/page/\(name)")
                #expect(answer.status == .ok)
                #expect(String(buffer: answer.body) == text)
                let type = types[String(name.split(separator: ".").last ?? "")] ?? "none"
                #expect(answer.headers[.contentType]?.hasPrefix(type) == true, "\(name)")
            }
            try await client.send(.get, "/page/").expectProblem(.notFound, "not_found")
            try await client.send(.get, "/page/index.html").expectProblem(.notFound, "not_found")
            try await client.send(.get, "/page/..%2Findex.html").expectProblem(.notFound, "not_found")
            try await client.send(.post, "/").expectProblem(.methodNotAllowed, "method_not_allowed")
        }
    }

    @Test("nothing but its own files can run in it, nobody can frame it, and it says nobody where it was")
    func headers() async throws {
        try await Fixture().test { client in
            for path in ["/", "/page/main.js", "/page/icon.svg"] {
                let headers = try await client.send(.get, path).headers
                let policy = headers[.contentSecurityPolicy]?.split(separator: ";").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
                #expect(
                    Set(policy ?? []) == [
                        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                        "img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
                        "require-trusted-types-for 'script'", "trusted-types 'none'",
                    ])
                #expect(headers[.xContentTypeOptions] == "nosniff")
                #expect(headers[.referrerPolicy] == "no-referrer")
                #expect(headers[.cacheControl] == "no-cache")
            }
        }
    }

    @Test("a client that has a file is answered 304, and HEAD tells what GET does")
    func conditional() async throws {
        try await Fixture().test { client in
            let first = try await client.send(.get, "/")
            let tag = try #require(first.headers[.eTag])
            #expect(tag.firstMatch(of: /^"[0-9a-f]{32}"$/) != nil)
            for held in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await client.executeRequest(
                    uri: "/", method: .get, headers: [.ifNoneMatch: held], body: nil)
                #expect(again.status == .notModified)
                #expect(again.headers[.eTag] == tag)
                #expect(again.body.readableBytes == 0)
            }
            let other = try await client.executeRequest(
                uri: "/", method: .get, headers: [.ifNoneMatch: "\"other\""], body: nil)
            #expect(other.status == .ok)
            let head = try await client.send(.head, "/")
            #expect(head.status == .ok)
            #expect(head.body.readableBytes == 0)
            #expect(head.headers[.contentLength] == String(first.body.readableBytes))
            #expect(head.headers[.eTag] == tag)
        }
        #expect(Set(PageFile.parts.values.map(\.entityTag)).count == PageFile.parts.count)
    }

    @Test("it has no script, style or handler within the document, and asks for nothing from elsewhere")
    func ownFilesOnly() throws {
        let sources = try Self.sources()
        let document = try #require(sources["index.html"])
        #expect(document.firstMatch(of: /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=")/) == nil)
        let named = document.matches(of: /(?:src|href)="([^"]*)"/).map { String($0.1) }
        #expect(
            Set(named).subtracting(["#code", "openapi.json"])
                == ["page/icon.svg", "page/page.css", "page/main.js"])
        for (name, text) in sources where name.hasSuffix(".js") {
            for imported in text.matches(of: /from "\.\/([^"]+)"/).map({ String($0.1) }) {
                #expect(sources[imported] != nil, "\(name) imports \(imported)")
            }
        }
        #expect(sources["page.css"]?.firstMatch(of: /@import|url\(/) == nil)
    }

    /// The ways by which text becomes markup or code. The content security policy takes most of them away, too.
    @Test("text reaches the document as text")
    func noMarkup() throws {
        let ways =
            /innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|DOMParser|createContextualFragment|srcdoc|\beval\(|new Function|localStorage|indexedDB|document\.cookie/
        for (name, text) in try Self.sources() where name.hasSuffix(".js") {
            #expect(text.firstMatch(of: ways) == nil, "\(name)")
        }
    }
}
