import CLinux
import Glibc
import LaunchProtocol
import Linux

/// The program that a sandbox's init, or its job until that is executed, goes on as (stub.c): a page or two with the filter in
/// it. While it is another program than the launcher, nothing of the launcher's memory is in a process that waits, and the
/// kernel has next to nothing to take apart when the job is executed.
final class Stub {
    /// Whose last steps it does.
    enum Process {
        case initProcess
        case job
    }

    /// The descriptors of a parked job above its standard streams: where it reports, and where it waits for its start.
    static let jobReport = Int32(BK_STUB_REPORT)
    static let jobStart = Int32(BK_STUB_START)
    /// Where init reports.
    static let initReport = Int32(BK_STUB_INIT_REPORT)

    /// What is executed: a sealed memfd.
    let program: Descriptor

    /// - Parameters:
    ///   - process: whose last steps it is to do.
    ///   - filter: what it puts in force.
    ///   - asks: whether the filter asks about calls.
    /// - Throws: `StepFailure`.
    init(of process: Process, loading filter: FilterProgram?, asks: Bool) throws(StepFailure) {
        var facts = bk_stub_facts()
        facts.ready = SetupRecord(kind: process == .job ? .jobParked : .initReady).head
        facts.ended = SetupRecord(kind: .exited).head
        facts.descriptors_failed = SetupRecord.failed(.closeDescriptors).head
        facts.hiding_failed = SetupRecord.failed(.initNotDumpable).head
        facts.filter_failed = SetupRecord.failed(process == .job ? .loadFilter : .initFilter).head
        facts.limits_failed = SetupRecord.failed(.resourceLimits).head
        facts.start_failed = SetupRecord.failed(.receiveStart).head
        facts.execute_failed = SetupRecord.failed(.execve).head
        facts.asks = asks ? 1 : 0
        facts.hides = protecting(SetupStep.initNotDumpable.name, 1, else: 0)
        facts.largest_start = UInt64(ExecImage.largestSize)
        let instructions = filter?.instructions ?? []
        program = Descriptor(
            owning: try perform(.makeStub) {
                instructions.withUnsafeBytes {
                    bk_stub_make(process == .job ? 0 : 1, &facts, $0.baseAddress, UInt16(instructions.count))
                }
            })
    }
}
