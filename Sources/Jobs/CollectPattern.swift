/// The rules for an entry of `collect`: a glob for paths below the work folder. `*` and `?` stand for characters within one
/// name, `**` as a component of its own for any folders; none of them for the dot at the beginning of a name.
public enum CollectPattern {
    /// The most entries of `collect`.
    public static let most = 64
    static let mostComponents = 32

    /// What is wrong with a pattern, or nil. A sound one can stand for nothing outside the work folder.
    public static func problem(with pattern: String) -> String? {
        let star = UInt8(ascii: "*")
        return RelativePath.problem(with: Array(pattern.utf8), mostComponents: mostComponents) { component in
            !component.elementsEqual("**".utf8)
                && zip(component, component.dropFirst()).contains(where: { $0 == star && $1 == star })
                ? "has ** beside other characters; it must be a component of its own" : nil
        }
    }
}
