import Foundation
import Glibc
import Synchronization

/// Stands between a client and Redis, and cuts the connection where a test says so.
final class CuttingProxy: Sendable {
    private struct State {
        var isOpen = true
        var cutsNext = false
        /// Connections that have fallen silent: nothing comes back over them, and they stay.
        var silent: Set<Int32> = []
        /// Only an answer that holds these bytes is cut.
        var pattern: [UInt8] = []
        var cuts = 0
        var descriptors: Set<Int32> = []
    }

    let path: String
    private let target: String
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter target: the server's socket.
    /// - Throws: where no socket can be made.
    init(to target: String) throws {
        self.target = target
        // In the server's own folder, which goes with it.
        path = URL(fileURLWithPath: target).deletingLastPathComponent().appendingPathComponent("proxy.sock").path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = Self.withAddress(path) { bind(listener, $0, $1) }
        guard listener >= 0, bound == 0, listen(listener, 64) == 0 else { throw CocoaError(.fileWriteUnknown) }
        let thread = Thread { [weak self, listener] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else { return }
                self.accepted(client)
            }
        }
        thread.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        unlink(path)
    }

    /// Whether anybody gets through; closing cuts everybody off.
    var isOpen: Bool {
        get { state.withLock(\.isOpen) }
        set {
            state.withLock { state in
                state.isOpen = newValue
                if !newValue { for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) } }
            }
        }
    }

    var cuts: Int { state.withLock(\.cuts) }

    /// Cuts the connection over which the next answer comes, in place of handing it on.
    func cutNextAnswer(holding text: String = "") {
        state.withLock { state in
            state.cutsNext = true
            state.pattern = Array(text.utf8)
        }
    }

    /// Lets nothing come back any more over the connections that there are.
    func silence() {
        state.withLock { $0.silent.formUnion($0.descriptors) }
    }

    private static func withAddress<Outcome>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Outcome
    ) -> Outcome {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private func accepted(_ client: Int32) {
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let connected = Self.withAddress(target) { connect(server, $0, $1) }
        guard isOpen, connected == 0 else {
            Glibc.close(client)
            Glibc.close(server)
            return
        }
        state.withLock { _ = $0.descriptors.insert(client) }
        Thread.detachNewThread { [self] in pump(client: client, server: server) }
    }

    private func pump(client: Int32, server: Int32) {
        defer {
            state.withLock { state in
                state.descriptors.remove(client)
                state.silent.remove(client)
                Glibc.close(client)
            }
            Glibc.close(server)
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var entries = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, -1) > 0 else { return }
            for (from, to) in [(client, server), (server, client)]
            where entries[from == client ? 0 : 1].revents != 0 {
                let count = recv(from, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                if from == server, isToBeCut(buffer[0..<count]) { return }
                if from == server, state.withLock({ $0.silent.contains(client) }) { continue }
                guard send(to, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
            }
        }
    }

    private func isToBeCut(_ answer: ArraySlice<UInt8>) -> Bool {
        state.withLock { state in
            guard state.cutsNext else { return false }
            let text = String(decoding: answer, as: UTF8.self)
            guard state.pattern.isEmpty || text.contains(String(decoding: state.pattern, as: UTF8.self)) else {
                return false
            }
            state.cutsNext = false
            state.cuts += 1
            return true
        }
    }
}
