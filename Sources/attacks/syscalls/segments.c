#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(modify_ldt, 0, NOWHERE, 64),
        CALL(modify_ldt, 1, NOWHERE, 1),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "make 16-bit segments by modify_ldt (CVE-2015-5157)", .mode = ALONE, .run = run)
