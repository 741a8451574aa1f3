#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(lsm_get_self_attr, 0, 0, NOWHERE, 0),
        CALL(lsm_set_self_attr, 0, NOWHERE, 0, 0),
        CALL(lsm_list_modules, NOWHERE, NOWHERE, 0),
        CALL(landlock_create_ruleset, NOWHERE, 64, ~0L),
        CALL(memfd_secret, ~0L),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach security modules, or hide memory from the host", .mode = ALONE, .run = run)
