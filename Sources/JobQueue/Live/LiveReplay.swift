import Foundation
import Jobs

extension JobSnapshot {
    /// What there is to tell of a finished job behind a position, out of its result alone: for those who come when it is
    /// over, so that they need no other way than those who were there.
    ///
    /// Where the result does not hold the output byte by byte (characters were replaced, or it was shortened), one who has
    /// heard a part of it is told no more of it, for nobody knows where that ends in it: the result itself has the whole.
    package func replay(after position: LivePosition) -> [LiveEvent] {
        guard let result else { return [] }
        var events: [LiveEvent] = position < .queued ? [.queued] : []
        let hasRun = result.wallTimeMs > 0
        if attempt > 0, !result.worker.isEmpty, hasRun || result.compile != nil {
            events.append(.started(attempt, worker: result.worker))
            if result.compile != nil { events.append(.stage(.compile, of: attempt)) }
            if hasRun { events.append(.stage(.run, of: attempt)) }
            events = events.filter { $0.position > position }
            events += output(of: result, after: position.attempt == attempt ? position.told : (stdout: 0, stderr: 0))
        }
        let end = LiveEvent.result(self)
        return end.position > position ? events + [end] : []
    }

    private func output(of result: ExecutionResult, after position: (stdout: Int, stderr: Int)) -> [LiveEvent] {
        var told = position
        var events: [LiveEvent] = []
        for stream in LiveStream.allCases {
            let isOutput = stream == .stdout
            let (held, isExact) =
                isOutput
                ? Self.bytes(result.stdout, count: result.stdoutBytes, isLossy: result.stdoutLossy)
                : Self.bytes(result.stderr, count: result.stderrBytes, isLossy: result.stderrLossy)
            let offset = isOutput ? told.stdout : told.stderr
            guard isExact || offset == 0, offset < held.count else { continue }
            var rest = held[offset...]
            while !rest.isEmpty {
                var piece = rest.prefix(LiveEvent.mostBytes)
                if piece.count < rest.count { piece = piece.dropLast(OutputText.unfinishedTail(of: Array(piece))) }
                rest = rest.dropFirst(piece.count)
                if isOutput { told.stdout += piece.count } else { told.stderr += piece.count }
                events.append(
                    LiveEvent(.output(told.stdout, told.stderr, of: attempt), .output(stream, Array(piece))))
            }
        }
        return events
    }

    /// A stream's bytes as the program wrote them, as far as its text in the result can tell.
    private static func bytes(_ text: String, count: Int, isLossy: Bool) -> (bytes: [UInt8], isExact: Bool) {
        let plain = Array(text.utf8)
        if plain.count == count { return (plain, !isLossy) }
        if let decoded = Data(base64Encoded: text), decoded.count == count { return (Array(decoded), true) }
        // A character that the limit cut in two is missing.
        return (plain, !isLossy && plain.count < count && count - plain.count < 4)
    }
}
