import Glibc
import LaunchProtocol
import Linux

/// The control groups of a job that has ended, by their name: all that has to be kept of them until they can be removed.
struct SpentLeaf {
    /// The folders that each have a group of that name.
    let parents: [Int32]
    let name: String
    /// What is to be done when they are gone.
    var whenRemoved: () -> Void = {}

    /// - Returns: false while a process that is dying still holds one of them.
    /// - Throws: `StepFailure` for any other reason.
    func remove() throws(StepFailure) -> Bool {
        var isDone = true
        for parent in parents where unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT {
            if errno != EBUSY { throw StepFailure(.removeCgroup, errno: errno) }
            isDone = false
        }
        if isDone { whenRemoved() }
        return isDone
    }
}
