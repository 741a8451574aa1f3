#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(io_uring_setup, 0, NOWHERE),
        CALL(io_uring_enter, -1, 0, 0, 0, 0, 0),
        CALL(io_uring_register, -1, 0, 0, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "have the kernel make calls that no filter sees, by io_uring", .mode = ALONE, .run = run)
