#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(settimeofday, NOWHERE, NOWHERE),
        CALL(clock_settime, 0, NOWHERE),
        CALL(adjtimex, NOWHERE),
        CALL(clock_adjtime, 0, NOWHERE),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "set the host's clock", .mode = ALONE, .run = run)
