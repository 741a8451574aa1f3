#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(cachestat, -1, NOWHERE, NOWHERE, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "see which pages of the shared image another job has read", .mode = ALONE, .run = run)
