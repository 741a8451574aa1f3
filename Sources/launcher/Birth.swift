import CLinux
import Glibc
import LaunchProtocol
import Linux

/// How init and the job of a sandbox begin: in the memory of their parent, which waits until they have executed their stub.
/// Nothing is copied for them. That is sound where the parent has one thread, and where what they do leaves the memory as it
/// would in the parent: they go on in C, when their Swift functions have come back and given back what they held.
struct Birth {
    /// The child's stack; one that is born in a child needs another.
    final class Stack {
        fileprivate static let size = 256 << 10
        fileprivate let base: UnsafeMutableRawPointer

        init() throws(StepFailure) {
            guard let base = bk_make_stack(UInt64(Self.size)) else { throw StepFailure(.makeStub, errno: errno) }
            self.base = base
        }

        deinit { munmap(base, Self.size) }
    }

    /// Takes the sandbox's parts. A number of at least 0 is what the stub is told; below, the child ends.
    typealias Work = @convention(c) (UnsafeMutableRawPointer?) -> Int64
    typealias Failed = @convention(c) (UnsafeMutableRawPointer?, Int32) -> Void

    let work: Work
    let failed: Failed
    /// The stub's first argument, and its number in the child.
    let name: StaticString
    let stub: Int32

    /// Makes the child.
    /// - Returns: its number, or -errno, as clone(2) does.
    func clone(
        _ parts: SandboxParts, on stack: Stack, flags: UInt64, cgroup: Int32, handle: UnsafeMutablePointer<Int32>?
    ) -> Int64 {
        var parts = parts
        return withUnsafeMutablePointer(to: &parts) { parts in
            name.withUTF8Buffer { name in
                name.withMemoryRebound(to: CChar.self) { name in
                    var birth = bk_birth(
                        work: work, failed: failed, context: parts, name: name.baseAddress, stub: stub)
                    return bk_clone3_shared(flags, cgroup, handle, stack.base, UInt64(Stack.size), &birth)
                }
            }
        }
    }

    /// The parts of a sandbox, as `work` and `failed` get them.
    static func parts(_ context: UnsafeMutableRawPointer?) -> SandboxParts? {
        context?.assumingMemoryBound(to: SandboxParts.self).pointee
    }
}
