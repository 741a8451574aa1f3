import HTTPTypes
import Hashing
import Hummingbird
import NIOCore

/// One file of the page at `/`. What it holds is in the binary (`Sources/HTTPAPI/Page`, embedded by SwiftPM), which is
/// installed as one file.
struct PageFile: Sendable {
    private let body: ByteBuffer
    private let contentType: String
    /// A strong validator (RFC 9110 section 8.8.3), from the content alone.
    let entityTag: String

    private init(_ bytes: [UInt8], _ contentType: String) {
        body = ByteBuffer(bytes: bytes)
        self.contentType = contentType
        entityTag = "\"\(SHA256.hex(bytes).prefix(32))\""
    }

    /// The document itself.
    static let document = PageFile(PackageResources.index_html, "text/html; charset=utf-8")

    /// What the document asks for, by its name below `/page/`.
    static let parts: [String: PageFile] = [
        "page.css": PageFile(PackageResources.page_css, "text/css; charset=utf-8"),
        "icon.svg": PageFile(PackageResources.icon_svg, "image/svg+xml"),
        "main.js": script(PackageResources.main_js),
        "api.js": script(PackageResources.api_js),
        "cases.js": script(PackageResources.cases_js),
        "dom.js": script(PackageResources.dom_js),
        "editor.js": script(PackageResources.editor_js),
        "events.js": script(PackageResources.events_js),
        "examples.js": script(PackageResources.examples_js),
        "limits.js": script(PackageResources.limits_js),
        "output.js": script(PackageResources.output_js),
        "programs-on-demand.js": script(PackageResources.programs_on_demand_js),
        "result.js": script(PackageResources.result_js),
        "share.js": script(PackageResources.share_js),
        "status.js": script(PackageResources.status_js),
        "syntax.js": script(PackageResources.syntax_js),
        "text.js": script(PackageResources.text_js),
        "verdict.js": script(PackageResources.verdict_js),
    ]

    private static func script(_ bytes: [UInt8]) -> PageFile { PageFile(bytes, "text/javascript; charset=utf-8") }

    /// Nothing but the page's own files, and no script or style within the document: what a program printed cannot become
    /// either, even where a mistake let it into the document. `trusted-types` takes the ways away by which text becomes
    /// markup.
    static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")

    /// The file, or 304 for a client that has it.
    func response(to request: Request) -> Response {
        var headers: HTTPFields = [
            .cacheControl: "no-cache", .eTag: entityTag, .contentSecurityPolicy: Self.contentSecurityPolicy,
            .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer", .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin",
        ]
        if isHeld(by: request) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = contentType
        headers[.contentLength] = String(body.readableBytes)
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// Whether `If-None-Match` names it (RFC 9110 section 13.1.2, weak comparison).
    private func isHeld(by request: Request) -> Bool {
        request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.contains { candidate in
            var candidate = candidate.drop { $0 == " " || $0 == "\t" }
            while candidate.last == " " || candidate.last == "\t" { candidate.removeLast() }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate == "*" || candidate == entityTag
        }
    }
}

extension Routes {
    /// The paths of the page. It is no part of the API, and the document of the API does not name them.
    static let pagePaths = ["/", "/page/{id}"]

    /// The page at `/`, which anybody may read: what it then asks of the API is as any client's request.
    mutating func onPage() {
        on(.get, "/", .open) { request, _, _ in PageFile.document.response(to: request) }
        on(.get, "/page/{id}", .open) { request, _, name in
            guard let part = PageFile.parts[name] else { throw APIError.notFound }
            return part.response(to: request)
        }
    }
}

extension HTTPField.Name {
    static var referrerPolicy: Self { HTTPField.Name(parsed: "referrer-policy") }
    static var crossOriginOpenerPolicy: Self { HTTPField.Name(parsed: "cross-origin-opener-policy") }
}
