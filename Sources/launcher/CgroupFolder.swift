import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The folder of a control group, of either kind of host.
enum CgroupFolder {
    /// Makes a group.
    /// - Returns: its folder, opened.
    static func make(named name: String, in parent: Int32) throws(StepFailure) -> Descriptor {
        try performC(.makeCgroup) { mkdirat(parent, name, 0o755) }
        return Descriptor(
            owning: try perform(.makeCgroup) {
                bk_openat(parent, name, O_RDONLY | BK_O_DIRECTORY | BK_O_CLOEXEC, 0)
            })
    }

    static func counter(_ name: StaticString, in folder: Int32) throws(StepFailure) -> CounterFile {
        try under(.makeCgroup) { () throws(SystemError) in try CounterFile(name, in: folder) }
    }

    /// - Returns: nil where this kernel has no such counter.
    static func counterIfPresent(_ name: StaticString, in folder: Int32) throws(StepFailure) -> CounterFile? {
        do throws(SystemError) {
            return try CounterFile(name, in: folder)
        } catch {
            guard error.errno == ENOENT else { throw StepFailure(.makeCgroup, errno: error.errno) }
            return nil
        }
    }
}
