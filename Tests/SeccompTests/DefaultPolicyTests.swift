import Seccomp
import Testing

/// What a job under policies/default.json gets, judged from the compiled filter.
@Suite struct DefaultPolicyTests {
    private static let eperm = BPFInterpreter.Verdict.errno(1)
    private static let enosys = BPFInterpreter.Verdict.errno(38)
    /// Upper halves that the kernel drops from a 32-bit argument, and that a filter must drop too.
    private static let upperHalves: [UInt64] = [0, 1 << 32, 0xFFFF_FFFF << 32]

    private let filter: BPFInterpreter

    init() throws {
        filter = try PolicyFiles.filter("default")
    }

    private func verdict(_ number: UInt32, _ arguments: UInt64...) throws -> BPFInterpreter.Verdict {
        try filter.run(.init(number: number, arguments: arguments))
    }

    @Test func everyNameIsKnownAndTheFilterIsSmall() throws {
        let program = try PolicyFiles.policy("default").compile()
        #expect(program.warnings.isEmpty)
        #expect(program.instructionCount * 8 == program.bytes.count)
        // Each instruction costs every job; growth should be noticed.
        #expect(program.instructionCount < 450)
    }

    @Test func allowedCallsRun() throws {
        for (name, number) in ExpectedCalls.allowed {
            #expect(try verdict(number) == .allow, "\(name)")
            #expect(try verdict(number, .max, .max, .max, .max, .max, .max) == .allow, "\(name)")
        }
    }

    @Test func deniedCallsGetEPERM() throws {
        for (name, number) in ExpectedCalls.denied {
            #expect(try verdict(number) == Self.eperm, "\(name)")
            #expect(try verdict(number, .max, .max, .max, .max, .max, .max) == Self.eperm, "\(name)")
        }
    }

    @Test func clone3AndUnknownCallsGetENOSYS() throws {
        for (name, number) in ExpectedCalls.absent {
            #expect(try verdict(number) == Self.enosys, "\(name)")
        }
        for number: UInt32 in [335, 423, 470, 500, 1000, 0x3FFF_FFFF] {
            #expect(try verdict(number) == Self.enosys, "\(number)")
        }
    }

    @Test func everyCallOfTheKernelIsDecided() {
        let decided = [
            ExpectedCalls.allowed, ExpectedCalls.denied, ExpectedCalls.absent, ExpectedCalls.conditional,
        ].flatMap(\.values)
        #expect(Set(decided).count == decided.count)
        #expect(Set(decided) == Set(0...334).union(424...467))
    }

    @Test func otherArchitecturesAreKilled() throws {
        for architecture: UInt32 in [BPFInterpreter.Call.i386, 0, 0xC000_00B7, 0x3E] {
            for number: UInt32 in [0, 1, 11, 59, 102, 435, 5000] {
                let call = BPFInterpreter.Call(number: number, architecture: architecture)
                #expect(try filter.run(call) == .killProcess, "\(architecture) \(number)")
            }
        }
    }

    @Test func x32IsKilled() throws {
        for number: UInt32 in Array(0...600) + [0x0FFF_FFFF, 0x3FFF_FFFE] {
            #expect(try verdict(number | 0x4000_0000) == .killProcess, "\(number)")
        }
        #expect(try verdict(0x8000_0000) == .killProcess)
        // -1 is what a tracer sets to skip a call; it must not be let through either.
        #expect(try verdict(.max) != .allow)
    }

    @Test func cloneMayNotMakeNamespaces() throws {
        // glibc's fork, its pthread_create, vfork.
        for flags: UInt64 in [0x11, 0x0120_0011, 0x003D_0F00, 0x4111] {
            for upper in Self.upperHalves {
                #expect(try verdict(56, upper | flags) == .allow, "\(flags)")
            }
        }
        for bit: UInt64 in [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
            for upper in Self.upperHalves {
                #expect(try verdict(56, upper | bit | 0x11) == Self.eperm, "\(bit)")
                #expect(try verdict(56, upper | bit | 0x003D_0F00) == Self.eperm, "\(bit)")
            }
        }
        #expect(try verdict(56, 0x7E02_0080 | 0x11) == Self.eperm)
    }

    @Test func locksAreCountedAndOtherUsesOfDescriptorsAreNot() throws {
        let notify = BPFInterpreter.Verdict.other(0x7FC0_0000)
        for upper in Self.upperHalves {
            // F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW.
            for command: UInt64 in [6, 7, 37, 38] {
                #expect(try verdict(72, 3, upper | command) == notify, "\(command)")
            }
            // F_DUPFD, F_GETFD … F_GETLK, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_ADD_SEALS.
            for command: UInt64 in [0, 1, 2, 3, 4, 5, 1_030, 1_031, 1_033] {
                #expect(try verdict(72, 3, upper | command) == .allow, "\(command)")
            }
            // F_SETLEASE, F_NOTIFY, what does not exist.
            for command: UInt64 in [12, 1_024, 1_026, 5_000] {
                #expect(try verdict(72, 3, upper | command) == Self.enosys, "\(command)")
            }
        }
    }

    @Test(arguments: [UInt32(41), 53]) func socketsAreLocal(number: UInt32) throws {
        let flags: [UInt64] = [0, 0x80000, 0x800, 0x80800]
        for upper in Self.upperHalves {
            for flag in flags {
                #expect(try verdict(number, upper | 1, upper | flag | 1) == .allow)
                #expect(try verdict(number, upper | 1, upper | flag | 2) == .allow)
                for type: UInt64 in [0] + Array(3...15) {
                    #expect(try verdict(number, upper | 1, upper | flag | type) == .errno(94), "type \(type)")
                }
            }
            for family: UInt64 in [0] + Array(2...63) {
                for type: UInt64 in [1, 2, 3, 5, 0x80001] {
                    #expect(try verdict(number, upper | family, type) == .errno(97), "family \(family)")
                }
            }
            for family: UInt64 in [64, 128, 0x8000_0000, 0x8000_0040] {
                #expect(try verdict(number, upper | family, 1) == Self.enosys, "family \(family)")
            }
        }
    }

    @Test func socketOptionsTakeNoPrograms() throws {
        for upper in Self.upperHalves {
            // SO_REUSEADDR, SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_RCVTIMEO, SO_SNDTIMEO_NEW.
            for option: UInt64 in [2, 7, 8, 16, 20, 67] {
                #expect(try verdict(54, 3, upper | 1, upper | option) == .allow, "\(option)")
            }
            // SO_ATTACH_FILTER, SO_LOCK_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF.
            for option: UInt64 in [26, 44, 50, 51, 52] {
                for level: UInt64 in [0, 1, 6, 41] {
                    #expect(try verdict(54, 3, level, upper | option) == Self.eperm, "\(option)")
                }
            }
            #expect(try verdict(54, 3, 1, upper | 9999) == Self.enosys)
        }
    }

    @Test func adviceDoesNotEmptyThePageCache() throws {
        for upper in Self.upperHalves {
            for advice: UInt64 in [0, 1, 2, 3, 5] {
                #expect(try verdict(221, 3, 0, 0, upper | advice) == .allow, "\(advice)")
            }
            // POSIX_FADV_DONTNEED.
            #expect(try verdict(221, 3, 0, 0, upper | 4) == Self.eperm)
        }
    }

    @Test func ioctlRefusesTerminalInput() throws {
        for upper in Self.upperHalves {
            for request: UInt64 in [0x5412, 0x541C, 0x5423] {
                #expect(try verdict(16, 0, upper | request) == Self.eperm, "\(request)")
            }
            // TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FICLONE.
            for request: UInt64 in [0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x4004_9409] {
                #expect(try verdict(16, 0, upper | request) == .allow, "\(request)")
            }
            // SIOCGIFCONF, SIOCGIFHWADDR, TIOCCONS, VT_ACTIVATE, LOOP_CTL_GET_FREE, KVM_CREATE_VM.
            for request: UInt64 in [0x8912, 0x8927, 0x541D, 0x5606, 0x4C82, 0xAE01] {
                #expect(try verdict(16, 0, upper | request) == Self.enosys, "\(request)")
            }
        }
    }

    @Test func prctlKeepsTheSandboxsSettings() throws {
        for upper in Self.upperHalves {
            // SET_NAME, GET_NAME, SET_DUMPABLE, CAPBSET_READ, SET_NO_NEW_PRIVS, SET_VMA.
            for option: UInt64 in [15, 16, 4, 23, 38, 0x5356_4D41] {
                #expect(try verdict(157, upper | option) == .allow, "\(option)")
            }
            // SET_SECCOMP, CAPBSET_DROP, SET_SECUREBITS, SET_MM, SET_SPECULATION_CTRL, SCHED_CORE, SET_PTRACER.
            for option: UInt64 in [22, 24, 28, 35, 53, 62, 0x5961_6D61] {
                #expect(try verdict(157, upper | option) == Self.eperm, "\(option)")
            }
            #expect(try verdict(157, upper | 9999) == Self.enosys)
        }
    }

    @Test func personalityOnlyTellsUname() throws {
        for upper in Self.upperHalves {
            for value: UInt64 in [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF] {
                #expect(try verdict(135, upper | value) == .allow, "\(value)")
            }
            for shift in UInt64(18)...27 {
                #expect(try verdict(135, upper | 1 << shift) == Self.eperm, "\(shift)")
                #expect(try verdict(135, upper | 1 << shift | 0x20008) == Self.eperm, "\(shift)")
            }
            for value: UInt64 in [1, 7, 0x10, 0x10000, 0x8000_0000, 0x8004_0000, 0xFFFF_FFFE, 0x7FFF_FFFF] {
                #expect(try verdict(135, upper | value) != .allow, "\(value)")
            }
        }
    }

    @Test(arguments: [(UInt32(133), 1), (259, 2)]) func onlyFifosAndFilesAreMade(number: UInt32, index: Int) throws {
        func make(_ mode: UInt64) throws -> BPFInterpreter.Verdict {
            var arguments = [UInt64](repeating: .max, count: 3)
            arguments[index] = mode
            return try filter.run(.init(number: number, arguments: arguments))
        }
        for upper in [0, 0xABCD_0000, UInt64.max << 16] {
            for type in UInt64(0)...15 {
                let isAllowed = [0, 1, 8].contains(type)
                #expect(try make(upper | type << 12 | 0o644) == (isAllowed ? .allow : Self.eperm), "type \(type)")
            }
        }
    }
}
