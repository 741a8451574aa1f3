import CLinux
import Glibc
import LaunchProtocol
import Linux
import Seccomp

/// What is done once while this process is still root: policies are compiled, the instance takes its place on the host,
/// and the launcher is started with all that it will ever need. Afterwards this process gives up root.
public enum Starter {
    /// Starts the launcher and waits until it is set up.
    ///
    /// Call before the process has other threads that could open descriptors or change identity.
    /// - Throws: `IsolationError` or `SystemError` that names what is missing.
    public static func start(_ configuration: EngineConfiguration) throws -> LauncherConnection {
        guard geteuid() == 0 else {
            throw IsolationError(.host, "bulkhead must be started as root; it gives root up once its launcher runs")
        }
        // Compiled first: a policy that is wrong must not leave anything behind.
        var programs: [SealedMemory] = []
        programs.append(try SealedMemory(configuration.initPolicy.compile().bytes, name: "bulkhead-filter"))
        for policy in configuration.policies {
            programs.append(try SealedMemory(policy.compile().bytes, name: "bulkhead-filter"))
        }
        let host = try CgroupHost.detect()
        let lease = try InstanceLease.acquire(runtimeFolder: configuration.runtimeFolder)
        let folders = host.folders(instance: lease.name)
        // Before they exist: whoever sweeps must know of every one that could.
        try lease.record(cgroups: folders)
        try host.make(instance: lease.name)
        try host.refuseUncountedSwap(instance: lease.name)
        // Slots that are being taken down and slots that take their place exist at the same time.
        let numbers = Int(InstanceLease.UserRange.jobs)
        let slots = min(configuration.slots, numbers)
        let spares = min(configuration.spareSlots, max(0, numbers - 2 * slots))
        let message = LauncherConfiguration(
            instance: lease.name, initUser: lease.users.initProcess, firstJobUser: lease.users.firstJob,
            slots: UInt16(min(2 * slots + spares, numbers)), maximum: configuration.maximum,
            standard: configuration.standard,
            hierarchy: host.hierarchy, cgroupFolders: folders, unifiedAccounting: host.unifiedAccounting,
            mountFolder: lease.mountFolder, images: configuration.images,
            mostWatchedCalls: configuration.mostWatchedCalls, coreScheduling: CoreScheduling.isPossible,
            terminal: configuration.terminal,
            filters: UInt8(programs.count))
        let configurationFile = try SealedMemory(message.encoded(), name: "bulkhead-configuration")
        let pair = try SocketPair()
        let descriptors = [pair.second.raw, configurationFile.descriptor, lease.lock.raw] + programs.map(\.descriptor)
        let pid = try spawn(configuration.launcher, descriptors: descriptors)
        let users = lease.users
        let connection = LauncherConnection(
            socket: pair.first, pid: pid, driverUser: users.driver, instance: lease.name, slots: slots,
            spareSlots: spares)
        try connection.awaitReady()
        return connection
    }

    /// Gives up root for good, in every thread: uid and gid of the instance's own, no groups, no capability, and no
    /// set-id program can bring anything back.
    public static func giveUpRoot(for connection: LauncherConnection) throws {
        // Before the identity: only a privileged process or one with this bit may filter itself, and it is inherited by
        // every thread that is started from here on.
        try attempt("no_new_privs") { bk_prctl(BK_PR_SET_NO_NEW_PRIVS, 1, 0) }
        try attempt("give up root") { bk_drop_identity_all_threads(connection.driverUser, connection.driverUser) }
        guard getuid() == connection.driverUser, geteuid() == connection.driverUser, setuid(0) != 0 else {
            throw IsolationError(.host, "could not give up root")
        }
    }

    private static func spawn(_ launcher: String, descriptors: [Int32]) throws -> Int32 {
        // Above every target number, so that no dup2 of the spawn overwrites one that is still needed.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for descriptor in descriptors {
            copies.append(try attempt("dup") { bk_fcntl_dup_above(descriptor, Int32(descriptors.count) + 16) })
        }
        var name = strdup("bulkhead-launcher")
        defer { free(name) }
        var pid: Int32 = -1
        let result = withUnsafeMutablePointer(to: &name) { first in
            first.withMemoryRebound(to: UnsafeMutablePointer<CChar>?.self, capacity: 1) { _ in
                let vector: [UnsafeMutablePointer<CChar>?] = [first.pointee, nil]
                return vector.withUnsafeBufferPointer {
                    bk_spawn(launcher, $0.baseAddress, copies, Int32(copies.count), &pid)
                }
            }
        }
        if result < 0 { throw SystemError("start \(launcher)", errno: -result) }
        return pid
    }
}
