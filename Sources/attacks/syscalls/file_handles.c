#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(open_by_handle_at, -1, NOWHERE, 0),
        CALL(name_to_handle_at, -1, NOWHERE, NOWHERE, NOWHERE, ~0L),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "open a file of the host by its handle (the escape called shocker)", .mode = ALONE, .run = run)
