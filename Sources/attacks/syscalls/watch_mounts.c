#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(fanotify_init, 0x40000200 /* REPORT_FID and a bit that has no meaning */, 0),
        CALL(fanotify_mark, -1, ~0L, 0, -1, NOWHERE),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "watch whole file systems by fanotify", .mode = ALONE, .run = run)
