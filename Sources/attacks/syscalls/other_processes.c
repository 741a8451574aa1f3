#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(ptrace, 0x4206 /* SEIZE */, 999999, 0, 0),
        CALL(process_vm_readv, 999999, 0, 0, 0, 0, ~0L),
        CALL(process_vm_writev, 999999, 0, 0, 0, 0, ~0L),
        CALL(process_madvise, -1, NOWHERE, 1, 0, 0),
        CALL(process_mrelease, -1, 0),
        CALL(pidfd_getfd, -1, 0, 0),
        CALL(kcmp, 999999, 999999, 0, 0, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach into another process: ptrace, its memory, its descriptors", .mode = ALONE, .run = run)
