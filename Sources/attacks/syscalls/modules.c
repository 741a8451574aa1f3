#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        PRIVILEGED_CALL(init_module, NOWHERE, 1, NOWHERE),
        PRIVILEGED_CALL(finit_module, -1, NOWHERE, ~0L),
        PRIVILEGED_CALL(delete_module, NOWHERE, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "load or remove a kernel module", .mode = ALONE, .run = run)
