/// The steps by which a sandbox comes into being and is taken down: what an error names.
///
/// The raw value crosses process boundaries; new steps are added at the end.
public enum SetupStep: UInt8, CaseIterable, Sendable {
    case unknown = 0
    // the launcher
    case readConfiguration
    case openCgroup
    case privateMounts
    case forkSlot
    case openLock
    // the slot
    case prepareUserNamespace
    case limitNamespaces
    case mapUser
    case slotNamespaces
    case hostname
    case slotTmpfs
    case slotFolders
    case bindImage
    case mountImage
    case mountDev
    case makeDevice
    case linkDevice
    case sealDev
    case pivotRoot
    case detachHost
    case parentDeath
    case makeCgroup
    case makePipes
    case ownPipes
    case makeWorkMount
    case makeWorkFolders
    case cloneInit
    case checkLimits
    case applyCgroupLimits
    case applyDiskLimits
    case readCgroup
    case writeFile
    case sendStart
    case parkTimeout
    // init
    case mountProc
    case verifyProc
    case maskProc
    case mountWork
    case bindBox
    case bindTmp
    case hideWork
    case enterBox
    case cloneJob
    case initGroups
    case initIdentity
    case initCapabilities
    case initNoNewPrivileges
    case initNotDumpable
    case initParentDeath
    case initDescriptors
    case initFilter
    case slotGone
    case initDied
    // the job
    case joinCgroup
    case cgroupNamespace
    case newSession
    case dropGroups
    case enterUserNamespace
    case jobIdentity
    case boundingSet
    case dropCapabilities
    case noNewPrivileges
    case jobParentDeath
    case resourceLimits
    case standardStreams
    case closeDescriptors
    case resetSignals
    case loadFilter
    case receiveStart
    case execve
    // around a job
    case protocolViolation
    case slotDied
    case launcherDied
    case collect
    case removeCgroup
    case takeListener
    case superviseCalls
    case coreScheduling
    case emptyNetwork
    // a runtime that is started ahead of its job
    case holdFile
    case startRuntime
    case makeStub
    case executeStub
    // a job on a terminal
    case makeTerminal
    case takeTerminal

    /// The step in words, as an error message shows it: `mount proc` for `mountProc`.
    public var name: String {
        var name = ""
        for character in "\(self)" {
            if character.isUppercase { name.append(" ") }
            name.append(contentsOf: character.lowercased())
        }
        return name
    }
}

/// A step that failed, and the kernel's reason. Where this is thrown no job runs.
public struct StepFailure: Error, Equatable, Hashable, Sendable, CustomStringConvertible {
    public var step: SetupStep
    public var errno: Int32

    public init(_ step: SetupStep, errno: Int32) {
        self.step = step
        self.errno = errno
    }

    /// The step's name and errno's number; the reader side adds the kernel's sentence.
    public var description: String { "\(step.name): errno \(errno)" }
}
