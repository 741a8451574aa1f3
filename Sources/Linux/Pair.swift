import CLinux
import Glibc

/// The two ends of a pipe(2).
@frozen
public struct Pipe: ~Copyable {
    public var reader: Descriptor
    public var writer: Descriptor

    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try attempt("pipe") { bk_pipe(&ends) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }
}

/// A connected pair of AF_UNIX SOCK_SEQPACKET sockets: whole messages, in order, with descriptors where wanted.
@frozen
public struct SocketPair: ~Copyable {
    public var first: Descriptor
    public var second: Descriptor

    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try attempt("socketpair") { bk_seqpacket_pair(&ends) }
        first = Descriptor(owning: ends[0])
        second = Descriptor(owning: ends[1])
    }
}
