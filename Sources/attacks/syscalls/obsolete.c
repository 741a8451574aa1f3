#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(uselib, NOWHERE),
        CALL(ustat, ~0L, NOWHERE),
        CALL(sysfs, 1, NOWHERE),
        CALL(_sysctl, NOWHERE),
        CALL(nfsservctl, 0, NOWHERE, NOWHERE),
        CALL(lookup_dcookie, 0, NOWHERE, 0),
        PRIVILEGED_CALL(vhangup, 0),
        CALL(create_module, NOWHERE, 0),
        CALL(query_module, NOWHERE, 0, NOWHERE, 0, NOWHERE),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach calls that nobody has needed for years", .mode = ALONE, .run = run)
