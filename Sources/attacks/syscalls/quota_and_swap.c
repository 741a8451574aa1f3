#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(swapon, NOWHERE, ~0L),
        CALL(swapoff, NOWHERE),
        CALL(quotactl, ~0L, NOWHERE, 0, NOWHERE),
        CALL(quotactl_fd, -1, ~0L, 0, NOWHERE),
        CALL(acct, NOWHERE),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach swap, quota and accounting", .mode = ALONE, .run = run)
