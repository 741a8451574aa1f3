import CLinux
import Glibc
import LaunchProtocol
import Linux

/// A job's standard streams, as they are before it begins: its own ends, and those of the driving process.
struct JobStreams: ~Copyable {
    let input: Descriptor
    let output: Descriptor
    let error: Descriptor
    let outside: Sandbox.Streams

    /// Three pipes: what every job has.
    static func pipes(owner user: UInt32) throws(StepFailure) -> JobStreams {
        func pipe() throws(StepFailure) -> Pipe {
            try under(.makePipes) { () throws(SystemError) in try Pipe() }
        }
        let input = try pipe()
        let output = try pipe()
        let error = try pipe()
        // /dev/stdin and the like open the pipe anew by its owner and mode; without this they answer EACCES.
        for descriptor in [input.reader.raw, output.writer.raw, error.writer.raw] {
            try performC(.ownPipes) { fchown(descriptor, user, user) }
        }
        return JobStreams(
            input: input.reader, output: output.writer, error: error.writer,
            outside: Sandbox.Streams(input: input.writer, output: output.reader, error: error.reader))
    }

    /// A terminal of its own, for an operator's shell: the slave is the job's, the master the driving process's.
    ///
    /// It comes from a devpts instance that nobody else has and that is mounted nowhere: whatever the job does with it, no other
    /// terminal of the host has a name there, least of all the one that the operator sits at (CVE-2017-5226).
    static func terminal(owner user: UInt32) throws(StepFailure) -> JobStreams {
        let fs = Descriptor(owning: try perform(.makeTerminal) { bk_fsopen("devpts") })
        for (key, value) in [("mode", "0600"), ("max", "1")] {
            try perform(.makeTerminal) { bk_fsconfig_string(fs.raw, key, value) }
        }
        try perform(.makeTerminal) { bk_fsconfig_create(fs.raw) }
        let mount = Descriptor(owning: try perform(.makeTerminal) { bk_fsmount(fs.raw, BK_MOUNT_ATTR_NOSUID) })
        let master = Descriptor(
            owning: try perform(.makeTerminal) {
                bk_openat(mount.raw, "ptmx", O_RDWR | O_NOCTTY | BK_O_CLOEXEC | BK_O_NOFOLLOW, 0)
            })
        func copy(of descriptor: Int32) throws(StepFailure) -> Descriptor {
            Descriptor(owning: try perform(.makeTerminal) { bk_fcntl_dup_above(descriptor, 3) })
        }
        let slave = Descriptor(owning: try perform(.makeTerminal) { bk_terminal_slave(master.raw) })
        let slaveNumber = slave.raw
        try performC(.makeTerminal) { fchown(slaveNumber, user, user) }
        // Whoever reads errors finds the end of them at once: they are on the terminal.
        let nothing = try under(.makePipes) { () throws(SystemError) in try Pipe() }
        let second = try copy(of: master.raw)
        return JobStreams(
            input: try copy(of: slaveNumber), output: try copy(of: slaveNumber), error: slave,
            outside: Sandbox.Streams(input: master, output: second, error: nothing.reader))
    }
}
