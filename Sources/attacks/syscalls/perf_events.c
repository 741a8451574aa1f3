#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(perf_event_open, NOWHERE, 0, -1, -1, 0),
        CALL(perf_event_open, NOWHERE, -1, 0, -1, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "watch the kernel and others by performance counters", .mode = ALONE, .run = run)
