/// The rules for a path below the work folder that a request names.
enum SourcePath {
    /// Folders and the file itself.
    static let mostComponents = 16
    /// NAME_MAX of Linux.
    static let mostComponentBytes = 255
    static let mostBytes = 1_024

    /// What is wrong with `path`, or nil. A sound path is relative and can name nothing outside the work folder.
    static func problem(with path: String) -> String? {
        let bytes = Array(path.utf8)
        if bytes.isEmpty { return "is empty" }
        if bytes.count > mostBytes { return "is longer than \(mostBytes) bytes" }
        if path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "holds a control character"
        }
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
        }
        return nil
    }

    /// The folders above `path`, as bytes: paths are compared as the kernel does, not by Unicode equivalence.
    static func folders(above path: String) -> [[UInt8]] {
        let bytes = Array(path.utf8)
        return bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }.map { Array(bytes[..<$0]) }
    }
}
