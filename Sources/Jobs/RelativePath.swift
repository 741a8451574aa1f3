/// The rules that every path below the work folder keeps, whether it names a file or is a glob.
enum RelativePath {
    /// NAME_MAX of Linux.
    static let mostComponentBytes = 255
    static let mostBytes = 1_024

    /// What is wrong with a path, or nil. A sound one is relative and can stand for nothing outside the work folder.
    /// - Parameters:
    ///   - bytes: the path.
    ///   - mostComponents: folders and the last name, at most.
    ///   - check: what else is asked of a component.
    /// - Returns: the end of a sentence that begins with what the path is of, or nil.
    static func problem(
        with bytes: [UInt8], mostComponents: Int, check: (ArraySlice<UInt8>) -> String? = { _ in nil }
    ) -> String? {
        if bytes.isEmpty { return "is empty" }
        if bytes.count > mostBytes { return "is longer than \(mostBytes) bytes" }
        if bytes.contains(0) { return "must not hold a NUL character" }
        if bytes.first == UInt8(ascii: "/") { return "is absolute; it must be relative to the work folder" }
        let components = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if components.count > mostComponents { return "has more than \(mostComponents) components" }
        for component in components {
            if component.isEmpty { return "has an empty component" }
            if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
                return "has a component \".\" or \"..\""
            }
            if component.count > mostComponentBytes {
                return "has a component longer than \(mostComponentBytes) bytes"
            }
            if let problem = check(component) { return problem }
        }
        return nil
    }
}
