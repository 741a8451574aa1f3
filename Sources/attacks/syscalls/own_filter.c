#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(seccomp, 1 /* SET_MODE_FILTER */, 0, NOWHERE),
        CALL(seccomp, 1, 8 /* NEW_LISTENER */, NOWHERE),
        CALL(prctl, PR_SET_SECCOMP, 2, NOWHERE),
        CALL(prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */, 99, 0, 0, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "load a filter or listener of its own, to answer calls in the kernel's place", .mode = ALONE, .run = run)
