import Foundation

/// Reads a request field by field and gathers everything that is wrong: the one place that decides what a request may say.
///
/// A field that is null is a field of the wrong type: a limit that was set to null by mistake must not silently become the
/// default.
struct RequestReader {
    private let offer: Offer
    /// Of the language asked for, once that is known; nil where nobody is there to set any.
    private var maxima: Limits?
    private let standard: Limits
    let bounds: RequestBounds
    private var problems: [FieldProblem] = []

    static let root = FieldPointer()
    static let fields: Set<String> = caseFields.union([
        "language", "code", "timeout", "version", "stdin", "input", "args", "env", "files", "entrypoint", "limits",
        "collect", "outputEncoding", "onDisconnect", "metadata", "interactive",
    ])

    init(offer: Offer, standard: Limits, bounds: RequestBounds) {
        self.offer = offer
        self.standard = standard
        self.bounds = bounds
    }

    mutating func read(_ object: JSONObject) throws(RequestProblems) -> ExecutionRequest {
        let version = readVersion(object)
        let language = readLanguage(object, fitting: version)
        maxima = offer.maxima(for: language?.name, fitting: version)
        let limits = readLimits(object)
        let files = readSources(object, language: language)
        checkRoom(for: files, limits: limits)
        let stdin = readStdin(object)
        let arguments = readArguments(object)
        let environment = readEnvironment(object)
        let collect = readCollect(object)
        let outputEncoding: OutputEncoding = readChoice(object, "outputEncoding") ?? .utf8
        let onDisconnect: OnDisconnect = readChoice(object, "onDisconnect") ?? .cancel
        let metadata = readMetadata(object)
        let cases = readCases(object)
        let isInteractive = readFlag(object, "interactive") ?? false
        reportUnknown(in: object, at: RequestReader.root, known: RequestReader.fields)

        if let language, problems.isEmpty, !offer.allows(limits, in: language.name, fitting: version) {
            report(
                RequestReader.root.appending("limits"), .outOfRange,
                "each is within the maximum of some worker, but no worker allows all of them together")
        }

        if let problems = RequestProblems(problems) { throw problems }
        guard let language, let mainFile = files.first?.path else {
            // Both are reported where they are missing; without a report there would be nothing to run.
            throw RequestProblems(FieldProblem(pointer: "#", code: .required, detail: "nothing to run"))
        }
        return ExecutionRequest(
            language: language.name, version: version, files: files, mainFile: mainFile, stdin: stdin,
            arguments: arguments, environment: environment, limits: limits, collect: collect,
            outputEncoding: outputEncoding, onDisconnect: onDisconnect, metadata: metadata,
            cases: cases, isInteractive: isInteractive)
    }

    // MARK: Language

    private mutating func readVersion(_ object: JSONObject) -> VersionRange? {
        let pointer = RequestReader.root.appending("version")
        guard let text = readString(object, "version", at: pointer) else { return nil }
        guard let range = VersionRange(text) else {
            report(
                pointer, .invalidValue, "must be a version range such as \"18\", \"18.x\", \"^18.2\" or \">=3.9 <4\"")
            return nil
        }
        return range
    }

    private mutating func readLanguage(_ object: JSONObject, fitting version: VersionRange?) -> Language? {
        let pointer = RequestReader.root.appending("language")
        guard object["language"] != nil else {
            report(pointer, .required, "is required")
            return nil
        }
        guard let name = readString(object, "language", at: pointer) else { return nil }
        let candidates = offer.languages.named(name)
        guard !candidates.isEmpty else {
            let names = Set(offer.languages.map(\.name)).sorted().joined(separator: ", ")
            report(pointer, .unknownLanguage, names.isEmpty ? "no language can be run" : "must be one of: \(names)")
            return nil
        }
        guard let language = offer.languages.newest(name, fitting: version) else {
            let versions = Set(candidates.map(\.version)).sorted().joined(separator: ", ")
            report(
                RequestReader.root.appending("version"), .unknownVersion,
                "no version of \(candidates[0].name) fits; there is: \(versions)")
            return candidates.first
        }
        return language
    }

    // MARK: Sources

    /// The files of the request, the main file first; what was reported may be missing.
    private mutating func readSources(_ object: JSONObject, language: Language?) -> [SourceFile] {
        let codePointer = RequestReader.root.appending("code")
        let entryPointer = RequestReader.root.appending("entrypoint")
        var files = readFiles(object)
        switch (object["code"] != nil, object["entrypoint"] != nil) {
        case (true, true):
            report(entryPointer, .conflict, "stands instead of code; give one of the two")
        case (false, false):
            report(codePointer, .required, "is required, or entrypoint with files")
        case (true, false):
            guard let code = readString(object, "code", at: codePointer) else { break }
            if code.isEmpty { report(codePointer, .empty, "must not be empty") }
            checkSize(code.utf8.count, atMost: bounds.codeBytes, at: codePointer)
            guard let language else { break }
            files.insert(SourceFile(path: language.fileName, contents: Array(code.utf8)), at: 0)
        case (false, true):
            guard let path = readString(object, "entrypoint", at: entryPointer) else { break }
            guard let index = files.firstIndex(where: { $0.path.utf8.elementsEqual(path.utf8) }) else {
                report(entryPointer, .invalidValue, "must be the path of one of files")
                break
            }
            files.insert(files.remove(at: index), at: 0)
        }
        checkClashes(of: files)
        return files
    }

    private mutating func readFiles(_ object: JSONObject) -> [SourceFile] {
        let pointer = RequestReader.root.appending("files")
        guard let elements = readArray(object, "files", at: pointer, atMost: bounds.files) else { return [] }
        var files: [SourceFile] = []
        var total = 0
        for (index, element) in elements.enumerated() {
            let file = pointer.appending(index)
            guard case .object(let members) = element else {
                report(file, .wrongType, "must be an object, not \(element.kind)")
                continue
            }
            reportUnknown(in: members, at: file, known: ["path", "content", "encoding"])
            for name in ["path", "content"] where members[name] == nil {
                report(file.appending(name), .required, "is required")
            }
            let path = readString(members, "path", at: file.appending("path"))
            if let path, let problem = SourcePath.problem(with: path) {
                report(file.appending("path"), .invalidValue, problem)
            }
            let encoding: OutputEncoding? = readChoice(members, "encoding", at: file)
            let content = readString(members, "content", at: file.appending("content"))
            guard let path, let content else { continue }
            guard let contents = decode(content, encoding ?? .utf8, at: file.appending("content")) else { continue }
            total += contents.count
            files.append(SourceFile(path: path, contents: contents))
        }
        checkSize(total, atMost: bounds.fileBytes, at: pointer)
        return files
    }

    private mutating func decode(_ content: String, _ encoding: OutputEncoding, at pointer: FieldPointer) -> [UInt8]? {
        guard encoding == .base64 else { return Array(content.utf8) }
        guard let data = Data(base64Encoded: content) else {
            report(pointer, .invalidValue, "is not base64 (RFC 4648 section 4, with padding)")
            return nil
        }
        return Array(data)
    }

    /// No two files of one path, and no file where another needs a folder.
    private mutating func checkClashes(of files: [SourceFile]) {
        let pointer = RequestReader.root.appending("files")
        var paths: Set<[UInt8]> = []
        for file in files where !paths.insert(Array(file.path.utf8)).inserted {
            report(pointer, .duplicate, "the path \"\(shortened(file.path))\" is there twice")
        }
        for file in files where SourcePath.folders(above: file.path).contains(where: paths.contains) {
            report(pointer, .conflict, "a folder of \"\(shortened(file.path))\" is a file as well")
        }
    }

    /// The sources must fit on the disk that the program gets, else the job could not even be set up.
    private mutating func checkRoom(for files: [SourceFile], limits: LimitOverrides) {
        // tmpfs gives out whole pages.
        let page = 4_096
        let bytes = files.reduce(0) { $0 + ($1.contents.count + page - 1) / page * page }
        let diskBytes = limits.diskBytes ?? standard.diskBytes
        if bytes > diskBytes {
            report(
                RequestReader.root.appending("limits").appending("diskBytes"), .tooLarge,
                "the sources take \(bytes) bytes on a disk of \(diskBytes)")
        }
        // The work folder and /tmp are inodes too.
        let inodes = 2 + files.count + Set(files.flatMap { SourcePath.folders(above: $0.path) }).count
        let inodeLimit = limits.inodes ?? standard.inodes
        if inodes > inodeLimit {
            report(
                RequestReader.root.appending("limits").appending("inodes"), .tooMany,
                "the sources take \(inodes) inodes of \(inodeLimit)")
        }
    }

    // MARK: Limits

    private mutating func readLimits(_ object: JSONObject) -> LimitOverrides {
        var limits = LimitOverrides()
        let pointer = RequestReader.root.appending("limits")
        let timeoutPointer = RequestReader.root.appending("timeout")
        if let value = object["timeout"] {
            limits.wallTimeMs = readLimit(value, atMost: maxima?.wallTimeMs, at: timeoutPointer)
        }
        guard let members = readObject(object, "limits", at: pointer) else { return limits }
        if object["timeout"] != nil, members["wallTimeMs"] != nil {
            report(timeoutPointer, .conflict, "is another name for limits.wallTimeMs; give one of the two")
        }
        for field in LimitOverrides.wholeNumbers {
            guard let value = members[field.name] else { continue }
            limits[keyPath: field.override] = readLimit(
                value, atMost: maxima?[keyPath: field.limit], at: pointer.appending(field.name))
        }
        if let value = members["cpus"] { limits.cpus = readCPUs(value, at: pointer.appending("cpus")) }
        reportUnknown(
            in: members, at: pointer, known: Set(LimitOverrides.fieldNames))
        return limits
    }

    private mutating func readLimit(_ value: JSONValue, atMost maximum: Int?, at pointer: FieldPointer) -> Int? {
        guard case .number(let number) = value else {
            report(pointer, .wrongType, "must be a whole number, not \(value.kind)")
            return nil
        }
        let range = maximum.map { "must be between 1 and \($0)" } ?? "must be at least 1"
        guard let integer = number.integer else {
            if number.double.magnitude > 9_007_199_254_740_992 {
                report(pointer, .outOfRange, range)
            } else {
                report(pointer, .wrongType, "must be a whole number")
            }
            return nil
        }
        guard integer >= 1, maximum.map({ integer <= $0 }) ?? true else {
            report(pointer, .outOfRange, range)
            return nil
        }
        return integer
    }

    private mutating func readCPUs(_ value: JSONValue, at pointer: FieldPointer) -> Double? {
        guard case .number(let number) = value else {
            report(pointer, .wrongType, "must be a number, not \(value.kind)")
            return nil
        }
        let cpus = number.double
        let least = LimitOverrides.leastCPUs
        guard cpus >= least, maxima.map({ cpus <= $0.cpus }) ?? true else {
            report(
                pointer, .outOfRange,
                maxima.map { "must be between \(least) and \($0.cpus)" } ?? "must be at least \(least)")
            return nil
        }
        return cpus
    }

    // MARK: Input

    private mutating func readStdin(_ object: JSONObject) -> [UInt8] {
        let alias = RequestReader.root.appending("input")
        if object["stdin"] != nil, object["input"] != nil {
            report(alias, .conflict, "is another name for stdin; give one of the two")
        }
        var text: String?
        for name in ["stdin", "input"] {
            let pointer = RequestReader.root.appending(name)
            guard let given = readString(object, name, at: pointer) else { continue }
            checkSize(given.utf8.count, atMost: bounds.stdinBytes, at: pointer)
            text = given
        }
        return Array((text ?? "").utf8)
    }

    mutating func readArguments(_ object: JSONObject, at parent: FieldPointer = root) -> [String] {
        let pointer = parent.appending("args")
        guard let elements = readArray(object, "args", at: pointer, atMost: bounds.entries) else { return [] }
        var arguments: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                report(pointer.appending(index), .wrongType, "must be a string, not \(element.kind)")
                continue
            }
            checkNUL(text, at: pointer.appending(index))
            arguments.append(text)
        }
        checkSize(arguments.reduce(0) { $0 + $1.utf8.count }, atMost: bounds.entryBytes, at: pointer)
        return arguments
    }

    private mutating func readEnvironment(_ object: JSONObject) -> [String: String] {
        let pointer = RequestReader.root.appending("env")
        guard let variables = readObject(object, "env", at: pointer) else { return [:] }
        if variables.members.count > bounds.entries {
            report(pointer, .tooMany, "has more than \(bounds.entries) entries")
            return [:]
        }
        var environment: [String: String] = [:]
        var bytes = 0
        for member in variables.members {
            let variable = pointer.appending(member.name)
            if !isVariableName(member.name) {
                report(variable, .invalidValue, "the name must match [A-Za-z_][A-Za-z0-9_]*")
            } else if member.name == "PATH" {
                report(variable, .invalidValue, "PATH cannot be set")
            }
            guard case .string(let text) = member.value else {
                report(variable, .wrongType, "must be a string, not \(member.value.kind)")
                continue
            }
            checkNUL(text, at: variable)
            bytes += member.name.utf8.count + text.utf8.count
            environment[member.name] = text
        }
        checkSize(bytes, atMost: bounds.entryBytes, at: pointer)
        return environment
    }

    private func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        return isLetter(first) && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }

    private mutating func readCollect(_ object: JSONObject) -> [String] {
        let pointer = RequestReader.root.appending("collect")
        guard let elements = readArray(object, "collect", at: pointer, atMost: CollectPattern.most) else { return [] }
        var patterns: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let pattern) = element else {
                report(pointer.appending(index), .wrongType, "must be a string, not \(element.kind)")
                continue
            }
            if let problem = CollectPattern.problem(with: pattern) {
                report(pointer.appending(index), .invalidValue, problem)
            }
            patterns.append(pattern)
        }
        return patterns
    }

    private mutating func readMetadata(_ object: JSONObject) -> JSONObject {
        let pointer = RequestReader.root.appending("metadata")
        guard let metadata = readObject(object, "metadata", at: pointer) else { return JSONObject() }
        checkSize(JSONValue.object(metadata).bytes.count, atMost: bounds.metadataBytes, at: pointer)
        return metadata
    }

    // MARK: Kinds of values

    mutating func readString(_ object: JSONObject, _ name: String, at pointer: FieldPointer) -> String? {
        guard let value = object[name] else { return nil }
        guard case .string(let text) = value else {
            report(pointer, .wrongType, "must be a string, not \(value.kind)")
            return nil
        }
        return text
    }

    mutating func readFlag(_ object: JSONObject, _ name: String) -> Bool? {
        guard let value = object[name] else { return nil }
        guard case .bool(let flag) = value else {
            report(RequestReader.root.appending(name), .wrongType, "must be true or false, not \(value.kind)")
            return nil
        }
        return flag
    }

    private mutating func readObject(_ object: JSONObject, _ name: String, at pointer: FieldPointer) -> JSONObject? {
        guard let value = object[name] else { return nil }
        guard case .object(let members) = value else {
            report(pointer, .wrongType, "must be an object, not \(value.kind)")
            return nil
        }
        return members
    }

    mutating func readArray(
        _ object: JSONObject, _ name: String, at pointer: FieldPointer, atMost most: Int
    ) -> [JSONValue]? {
        guard let value = object[name] else { return nil }
        guard case .array(let elements) = value else {
            report(pointer, .wrongType, "must be an array, not \(value.kind)")
            return nil
        }
        guard elements.count <= most else {
            report(pointer, .tooMany, "has more than \(most) entries")
            return nil
        }
        return elements
    }

    private mutating func readChoice<Choice: RawRepresentable & CaseIterable>(
        _ object: JSONObject, _ name: String, at parent: FieldPointer = root
    ) -> Choice? where Choice.RawValue == String {
        let pointer = parent.appending(name)
        guard let text = readString(object, name, at: pointer) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            report(pointer, .invalidValue, "must be one of: \(choices)")
            return nil
        }
        return choice
    }

    // MARK: Reports

    mutating func checkSize(_ bytes: Int, atMost most: Int, at pointer: FieldPointer) {
        if bytes > most { report(pointer, .tooLarge, "is \(bytes) bytes; the most is \(most)") }
    }

    private mutating func checkNUL(_ text: String, at pointer: FieldPointer) {
        if text.utf8.contains(0) { report(pointer, .invalidValue, "must not hold a NUL character") }
    }

    mutating func reportUnknown(in object: JSONObject, at pointer: FieldPointer, known: Set<String>) {
        for member in object.members where !known.contains(member.name) {
            report(pointer.appending(member.name), .unknownField, "there is no such field")
        }
    }

    mutating func report(_ pointer: FieldPointer, _ code: FieldProblem.Code, _ detail: String) {
        // One more than the answer lists is enough to know that there are more.
        guard problems.count <= RequestProblems.most else { return }
        problems.append(FieldProblem(pointer: pointer.text, code: code, detail: detail))
    }

    private func shortened(_ path: String) -> String {
        path.unicodeScalars.count > 64 ? String(path.prefix(64)) + "..." : path
    }
}
