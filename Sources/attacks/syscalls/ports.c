#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        PRIVILEGED_CALL(iopl, 99),
        PRIVILEGED_CALL(ioperm, ~0L, 2, 1),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach the ports of the hardware", .mode = ALONE, .run = run)
