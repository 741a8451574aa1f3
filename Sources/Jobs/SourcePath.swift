/// The rules for a path below the work folder that a request names.
enum SourcePath {
    /// Folders and the file itself.
    static let mostComponents = 16

    /// What is wrong with `path`, or nil. A sound path is relative and can name nothing outside the work folder.
    static func problem(with path: String) -> String? {
        let isControlled = path.unicodeScalars.contains { $0.properties.generalCategory == .control }
        return isControlled
            ? "holds a control character"
            : RelativePath.problem(with: Array(path.utf8), mostComponents: mostComponents)
    }

    /// The folders above `path`, as bytes: paths are compared as the kernel does, not by Unicode equivalence.
    static func folders(above path: String) -> [[UInt8]] {
        let bytes = Array(path.utf8)
        return bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }.map { Array(bytes[..<$0]) }
    }
}
