#include "attack.h"

// The numbers of i386 mean other calls: 26 is ptrace there and msync here.
static long number;
static long by_interrupt(void) {
    long result = number;
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static void run(void) {
    static const struct {
        const char *name;
        long number;
    } calls[] = {{"getpid", 20}, {"ptrace", 26}, {"umount2", 52}, {"socketcall", 102}, {"unshare", 310}};
    char said[32] = "";
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        number = calls[i].number;
        struct answer answer = try_in_child(by_interrupt);
        // A kernel without 32-bit calls answers the instruction itself by SIGSEGV.
        if (answer.signal != SIGSYS && answer.signal != SIGSEGV && answer.error != ENOSYS) {
            escaped("%s of i386 reached the kernel: %s", calls[i].name, answer_text(answer));
        }
        snprintf(said, sizeof said, "%s", answer_text(answer));
    }
    contained("int 0x80 ends in %s", said);
}

ATTACK(.group = "syscalls", .what = "make calls by the i386 ABI, int 0x80", .mode = ALONE, .run = run)
