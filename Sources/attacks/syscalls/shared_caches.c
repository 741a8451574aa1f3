#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(fadvise64, -1, 0, 0, 4 /* DONTNEED */),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "empty the page cache that all jobs share", .mode = ALONE, .run = run)
