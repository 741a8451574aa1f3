import Foundation
import Jobs

/// Languages as an image would offer them.
enum Samples {
    static let javascript = Language(
        name: "javascript", aliases: ["node", "js"], version: "18.20.4", image: "default", fileName: "main.js",
        run: ["/usr/bin/node", "{file}"])
    static let newerJavascript = Language(
        name: "javascript", aliases: ["node", "js"], version: "20.11.0", image: "other", fileName: "main.js",
        run: ["/usr/bin/node", "{file}"])
    static let java = Language(
        name: "java", version: "17.0.13", image: "default", fileName: "Main.java", compile: ["javac", "{file}"],
        products: ["*.class"], run: ["java", "Main"], memoryBytes: 256 << 20)
    static let languages = [javascript, newerJavascript, java]
    static let maxima = Limits.maximum(cores: 2)

    /// Reads a request given as JSON text.
    static func read(_ json: String, bounds: RequestBounds = .standard) throws(RequestProblems) -> ExecutionRequest {
        try ExecutionRequest(json: Data(json.utf8), languages: languages, maxima: maxima, bounds: bounds)
    }

    /// Reads the smallest sound request with `fields` added.
    static func read(adding fields: String) throws(RequestProblems) -> ExecutionRequest {
        try read(#"{"language":"javascript","code":"1","# + fields + "}")
    }

    /// `pointer code` of each problem, or an empty list for a sound request.
    static func problems(_ json: String, bounds: RequestBounds = .standard) -> [String] {
        do {
            _ = try read(json, bounds: bounds)
            return []
        } catch {
            return error.problems.map { "\($0.pointer) \($0.code.rawValue)" }
        }
    }

    static func problems(adding fields: String) -> [String] {
        problems(#"{"language":"javascript","code":"1","# + fields + "}")
    }
}
