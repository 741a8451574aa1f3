import CLinux
import Dispatch
import Glibc
import Synchronization

/// What a bench must not leave behind where it is interrupted: processes that it started, and folders that it made.
enum BenchCleanup {
    private struct State {
        var processes: Set<Int32> = []
        var folders: Set<String> = []
    }

    private static let state = Mutex(State())
    /// Held for as long as this process lives; written once, before anything else knows of it.
    private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

    static func add(process: Int32) { state.withLock { _ = $0.processes.insert(process) } }
    static func remove(process: Int32) { state.withLock { _ = $0.processes.remove(process) } }

    /// A folder that is removed once nothing is in it, or mounted on it.
    static func add(folder: String) { state.withLock { _ = $0.folders.insert(folder) } }

    /// Takes a folder away.
    static func remove(folder: String) {
        _ = bk_umount_detach(folder)
        rmdir(folder)
        state.withLock { _ = $0.folders.remove(folder) }
    }

    /// From here on SIGINT and SIGTERM end the processes, remove the folders and end this process.
    static func begin() {
        sources = [SIGINT, SIGTERM].map { number in
            // The default action would end the process before the sources see anything.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { end(number) }
            source.resume()
            return source
        }
    }

    /// What children are started with: their signals are as a shell would have left them, not as this process has them.
    /// - Returns: the result of `body`.
    static func withUsualSignals<Result>(_ body: (UnsafePointer<posix_spawnattr_t>) -> Result) -> Result {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        return body(&attributes)
    }

    private static func end(_ number: Int32) {
        let (processes, folders) = state.withLock { ($0.processes, $0.folders) }
        for process in processes { kill(process, SIGTERM) }
        // A job that runs in one of the groups has a moment to end.
        for process in processes {
            for _ in 0..<500 where kill(process, 0) == 0 {
                if waitpid(process, nil, WNOHANG) != 0 { break }
                usleep(10_000)
            }
            kill(process, SIGKILL)
        }
        for folder in folders { remove(folder: folder) }
        _exit(128 + number)
    }
}
