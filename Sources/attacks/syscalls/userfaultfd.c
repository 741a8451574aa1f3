#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(userfaultfd, ~0L),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "stop the kernel in a page fault by userfaultfd", .mode = ALONE, .run = run)
