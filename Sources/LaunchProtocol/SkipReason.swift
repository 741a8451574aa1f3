/// Why a file that was asked for is not handed back.
///
/// The raw value crosses process boundaries; new reasons are added at the end.
public enum SkipReason: UInt8, CaseIterable, Sendable {
    case noSuchFile = 1
    case symbolicLink
    case folder
    case notRegular
    case severalLinks
    case tooLarge
    case noRoomLeft
    case tooManyFiles
    case nameNotUTF8
    case tooDeep
    case tooManyEntries
    case outOfTime
    case unreadable

    /// The reason in words, as a result shows it.
    public var words: String {
        switch self {
        case .noSuchFile: "no such file"
        case .symbolicLink: "symbolic link"
        case .folder: "a folder"
        case .notRegular: "not a regular file"
        case .severalLinks: "more than one link"
        case .tooLarge: "too large"
        case .noRoomLeft: "no room left beside the other files"
        case .tooManyFiles: "too many files"
        case .nameNotUTF8: "the name is not UTF-8; shown percent-encoded"
        case .tooDeep: "too deep"
        case .tooManyEntries: "too many entries; not all were looked at"
        case .outOfTime: "out of time; not everything was looked at"
        case .unreadable: "cannot be read"
        }
    }
}
