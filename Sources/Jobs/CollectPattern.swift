/// The rules for an entry of `collect`: a glob for paths below the work folder. `*` and `?` stand for characters within one
/// name, `**` as a component of its own for any folders; none of them for the dot at the beginning of a name.
public enum CollectPattern {
    /// The most entries of `collect`.
    public static let most = 64
    static let mostBytes = 1_024
    /// NAME_MAX of Linux.
    static let mostComponentBytes = 255
    static let mostComponents = 32

    /// What is wrong with a pattern, or nil. A sound one can stand for nothing outside the work folder.
    public static func problem(with pattern: String) -> String? {
        let bytes = Array(pattern.utf8)
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
            let star = UInt8(ascii: "*")
            if !component.elementsEqual("**".utf8),
                zip(component, component.dropFirst()).contains(where: { $0 == star && $1 == star })
            {
                return "has ** beside other characters; it must be a component of its own"
            }
        }
        return nil
    }
}
