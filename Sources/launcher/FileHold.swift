import CLinux
import Glibc
import LaunchProtocol
import Linux

/// Holds whoever opens one file of a sandbox, until it is let go (fanotify(7), FAN_OPEN_PERM): so a runtime waits for its
/// program without knowing that it does, in the very call that reads it. One for all sandboxes of a slot: to end such a group
/// takes the kernel milliseconds, to end its marks does not.
final class FileHold {
    private let group: Descriptor
    private var isHolding = false
    /// What the kernel asks about the first who is held; the questions about others wait to be read.
    private var first: Descriptor?

    init() throws(StepFailure) {
        group = Descriptor(owning: try perform(.holdFile) { bk_fanotify_group() })
        first = nil
    }

    /// Ready to read when somebody is held.
    var event: Int32 { group.raw }

    /// Holds everybody who opens this file from now on: this process must not.
    func hold(_ file: Int32) throws(StepFailure) {
        isHolding = true
        try perform(.holdFile) { bk_fanotify_hold(group.raw, file) }
    }

    /// Takes note of the first who is held.
    /// - Returns: false where nobody is any more, because it was killed.
    func takeFirst() throws(StepFailure) -> Bool {
        guard let question = try next() else { return false }
        first = consume question
        return true
    }

    /// Lets everybody go, and nobody is held any more.
    func letGo() throws(StepFailure) {
        guard isHolding else { return }
        isHolding = false
        // The mark first: what is opened after it asks nobody.
        try perform(.holdFile) { bk_fanotify_forget(group.raw) }
        if let question = first.take() { try allow(question) }
        while let question = try next() { try allow(question) }
    }

    private func next() throws(StepFailure) -> Descriptor? {
        var question: Int32 = -1
        let result = bk_fanotify_next(group.raw, &question)
        if result == -EAGAIN { return nil }
        try perform(.holdFile) { result }
        return Descriptor(owning: question)
    }

    private func allow(_ question: consuming Descriptor) throws(StepFailure) {
        let result = bk_fanotify_allow(group.raw, question.raw)
        // It was killed, and waits no longer.
        if result != -ENOENT { try perform(.holdFile) { result } }
    }
}
