#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(unshare, 1),
        CALL(setns, -1, 0),
        CALL(clone, CLONE_NEWUSER | CLONE_FS),
        CALL(clone, CLONE_NEWNS | CLONE_FS),
        CALL(clone, CLONE_NEWPID | CLONE_THREAD),
        CALL(clone, CLONE_NEWNET | CLONE_THREAD),
        CALL(clone, CLONE_NEWUTS | CLONE_THREAD),
        CALL(clone3, NOWHERE, 88),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach the kernel's namespace code", .mode = ALONE, .run = run)
