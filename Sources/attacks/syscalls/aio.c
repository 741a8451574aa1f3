#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(io_setup, 0, NOWHERE),
        CALL(io_submit, 0, -1, 0),
        CALL(io_cancel, 0, NOWHERE, NOWHERE),
        CALL(io_getevents, 0, -1, -1, 0, 0),
        CALL(io_destroy, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach the old asynchronous input and output", .mode = ALONE, .run = run)
