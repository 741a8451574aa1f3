#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(mbind, NOWHERE, 1, 0, 0, 0, 0),
        CALL(set_mempolicy, ~0L, 0, 0),
        CALL(get_mempolicy, NOWHERE, 0, 0, 0, 0),
        CALL(migrate_pages, 999999, 64, NOWHERE, NOWHERE),
        CALL(move_pages, 999999, 1, NOWHERE, NOWHERE, NOWHERE, 0),
        CALL(set_mempolicy_home_node, 1, 1, 0, 1),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "move memory between the nodes of the host", .mode = ALONE, .run = run)
