// The program that a sandbox's init and its job are until the job is executed: a page or two without a library, so that the
// kernel has little to make and less to take apart. It is code of this file in a section of its own, which bk_stub_make
// copies behind an ELF header into a sealed memfd, together with what it has to know and the filter that it loads.
//
// Code in that section runs at another address than it was linked for, and alone: it refers to nothing outside of the
// section, neither functions, nor constants that the compiler would place elsewhere.
#define _GNU_SOURCE
#include "include/CLinux.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the stub and the clone into shared memory are written for x86-64"
#endif
// Linux 6.3.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
// Linux 5.19.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define IN_STUB                                                                                                     \
    __attribute__((section("bk_stub"), used, noinline, no_builtin, no_stack_protector, no_profile_instrument_function))
#define INSIDE static inline __attribute__((always_inline))

// What the stub finds before its code.
struct facts {
    struct bk_stub_facts given;
    struct sock_fprog filter;
    uint64_t filter_flags;
};

// Where the stub is in its own memory, and in its file the same beyond the first.
enum { BASE = 0x400000, FACTS = 0x100, CODE = 0x200, USUAL_START = 4096 };
#define FACTS_IN_STUB ((const struct facts *)(BASE + FACTS))

INSIDE long call(long number, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
INSIDE void report(int descriptor, uint32_t head, long value) {
    // As SetupRecord has it: kind and step, then the value.
    uint64_t record = head | (uint64_t)(uint32_t)value << 32;
    call(SYS_write, descriptor, (long)&record, sizeof record, 0);
}
INSIDE void end(int code) {
    for (;;) call(SYS_exit_group, code, 0, 0, 0);
}
INSIDE void fail(int descriptor, uint32_t head, long error) {
    report(descriptor, head, error);
    end(120);
}
INSIDE void name_process(uint64_t first, uint64_t second) {
    uint64_t name[2] = {first, second};
    call(SYS_prctl, PR_SET_NAME, (long)name, 0, 0);
}
// Puts the filter in force: 0 or the listener, or -errno.
INSIDE long load_filter(void) {
    return call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)FACTS_IN_STUB->filter_flags, (long)&FACTS_IN_STUB->filter, 0);
}
// Lowers a limit; one that is lower already stays, for raising needs CAP_SYS_RESOURCE (setrlimit(2)).
INSIDE long lower_limit(int resource, uint64_t value) {
    uint64_t limit[2];
    long result = call(SYS_prlimit64, 0, resource, 0, (long)limit);
    if (result < 0) return result;
    if (value < limit[1]) limit[1] = value;
    limit[0] = limit[1];
    return call(SYS_prlimit64, 0, resource, (long)limit, 0);
}

// The job: the last steps of JobProcess, then its program.
IN_STUB static void stub_job(void) {
    const struct bk_stub_facts *given = &FACTS_IN_STUB->given;
    // "bulkhead-parked"
    name_process(0x646165686b6c7562, 0x0064656b7261702d);
    // Both are closed when the program is executed; all others are closed already.
    long result = call(SYS_close_range, BK_STUB_REPORT, BK_STUB_START, 4 /* CLOSE_RANGE_CLOEXEC */, 0);
    if (result < 0) fail(BK_STUB_REPORT, given->descriptors_failed, -result);
    long listener = -1;
    if (FACTS_IN_STUB->filter.len > 0) {
        result = load_filter();
        if (result < 0) fail(BK_STUB_REPORT, given->filter_failed, -result);
        if (given->asks) listener = result;
    }
    // Touched, so that no page of it has to be found while the caller waits.
    uint64_t room[USUAL_START / 8];
    *(volatile uint64_t *)&room[0] = 0;
    *(volatile uint64_t *)&room[USUAL_START / 8 - 1] = 0;
    report(BK_STUB_REPORT, given->ready, listener);

    uint64_t *words = room;
    uint64_t size = sizeof room, filled = 0;
    for (;;) {
        long got = call(SYS_read, BK_STUB_START, (long)words + (long)filled, (long)(size - filled), 0);
        if (got == -EINTR) continue;
        if (got <= 0) fail(BK_STUB_REPORT, given->start_failed, got < 0 ? -got : EPIPE);
        filled += (uint64_t)got;
        if (filled < sizeof *words) continue;
        uint64_t whole = words[0];
        if (whole < BK_START_HEADER * sizeof *words || whole > given->largest_start || filled > whole) {
            fail(BK_STUB_REPORT, given->start_failed, EBADMSG);
        }
        if (filled == whole) break;
        if (whole > size) {
            uint64_t *larger = __builtin_alloca(whole);
            void *target = larger, *source = words;
            uint64_t count = filled;
            __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(count) : : "memory");
            words = larger;
            size = whole;
        }
    }
    result = lower_limit(RLIMIT_FSIZE, words[BK_START_FILE_SIZE]);
    if (result >= 0) result = lower_limit(RLIMIT_NOFILE, words[BK_START_OPEN_FILES]);
    if (result < 0) fail(BK_STUB_REPORT, given->limits_failed, -result);
    // Offsets become addresses.
    uint64_t *arguments = words + BK_START_HEADER;
    uint64_t *environment = arguments + words[BK_START_ARGUMENTS] + 1;
    for (uint64_t *word = arguments; *word != 0; word++) *word += (uint64_t)words;
    for (uint64_t *word = environment; *word != 0; word++) *word += (uint64_t)words;
    result = arguments[0] == 0 ? -ENOENT : call(SYS_execve, (long)arguments[0], (long)arguments, (long)environment, 0);
    fail(BK_STUB_REPORT, given->execute_failed, -result);
}

// Init: the last steps of SandboxInit, then only what its filter allows: read, write, wait and exit.
IN_STUB static void stub_init(const uint64_t *stack) {
    const struct bk_stub_facts *given = &FACTS_IN_STUB->given;
    // "bulkhead-init"
    name_process(0x646165686b6c7562, 0x00000074696e692d);
    // Its only argument is the number of the job's process.
    int job = 0;
    for (const char *digit = (const char *)stack[2]; *digit != 0; digit++) job = job * 10 + (*digit - '0');
    long result = 0;
    // Again, for the memory that it has now.
    if (given->hides) result = call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0);
    if (result < 0) fail(BK_STUB_INIT_REPORT, given->hiding_failed, -result);
    if (FACTS_IN_STUB->filter.len > 0) result = load_filter();
    if (result < 0) fail(BK_STUB_INIT_REPORT, given->filter_failed, -result);
    report(BK_STUB_INIT_REPORT, given->ready, 0);
    for (;;) {
        int status = 0;
        long reaped = call(SYS_wait4, -1, (long)&status, 0, 0);
        if (reaped == job) {
            report(BK_STUB_INIT_REPORT, given->ended, status);
            // The end of PID 1 ends everything else in the namespace.
            end(0);
        }
        if (reaped < 0 && reaped != -EINTR) end(122);
    }
}

__attribute__((naked, used, section("bk_stub"))) static void enter_job(void) {
    __asm__("xorl %ebp, %ebp\n\tandq $-16, %rsp\n\tcall stub_job\n\thlt");
}
__attribute__((naked, used, section("bk_stub"))) static void enter_init(void) {
    __asm__("xorl %ebp, %ebp\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall stub_init\n\thlt");
}

extern const char __start_bk_stub[], __stop_bk_stub[];

static int write_all(int file, const void *bytes, size_t length, off_t offset) {
    ssize_t count = pwrite(file, bytes, length, offset);
    if (count >= 0 && (size_t)count != length) errno = EIO;
    return count == (ssize_t)length ? 0 : -1;
}

int32_t bk_stub_make(int32_t is_init, const struct bk_stub_facts *given, const void *instructions, uint16_t count) {
    const size_t code = (size_t)(__stop_bk_stub - __start_bk_stub);
    const size_t filter = (CODE + code + 15) & ~(size_t)15, size = filter + count * sizeof(struct sock_filter);
    const char *entry = (const char *)(is_init ? (uintptr_t)enter_init : (uintptr_t)enter_job);
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
    } image = {
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = BASE + CODE + (Elf64_Addr)(entry - __start_bk_stub),
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 2,
            },
        .segments =
            {
                {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = BASE, .p_paddr = BASE, .p_filesz = size,
                 .p_memsz = size, .p_align = 0x1000},
                {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16},
            },
    };
    _Static_assert(sizeof image <= FACTS && FACTS + sizeof(struct facts) <= CODE, "the parts do not overlap");
    struct facts facts = {
        .given = *given,
        .filter = {.len = count, .filter = (struct sock_filter *)(BASE + filter)},
        // Once the supervisor has taken a call, only death interrupts it: otherwise a runtime that signals its own threads
        // (Go) would have the same call reported again and again.
        .filter_flags =
            given->asks ? SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0,
    };
    int file = memfd_create("bulkhead-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    // Before Linux 6.3 there is no such flag, and every memfd can be executed.
    if (file < 0 && errno == EINVAL) file = memfd_create("bulkhead-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -errno;
    // Nobody but root may read it; whoever executes what he may not read is not dumpable (execve(2)).
    if (write_all(file, &image, sizeof image, 0) < 0 || write_all(file, &facts, sizeof facts, FACTS) < 0 ||
        write_all(file, __start_bk_stub, code, CODE) < 0 ||
        (count > 0 && write_all(file, instructions, count * sizeof(struct sock_filter), (off_t)filter) < 0) ||
        fchmod(file, 0111) < 0 || bk_memfd_seal(file) < 0) {
        int error = errno;
        close(file);
        return -error;
    }
    return file;
}
