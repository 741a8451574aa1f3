#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        {"unshare", (1L << 32) | SYS_unshare, {1}, 0},
        {"mount", (1L << 32) | SYS_mount, {NOWHERE, NOWHERE, NOWHERE, 0, NOWHERE}, 0},
        {"ptrace", (0x7fffffffL << 32) | SYS_ptrace, {0x4206, 999999, 0, 0}, 0},
        {"io_uring_setup", (1L << 62) | SYS_io_uring_setup, {0, NOWHERE}, 0},
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "name a forbidden call with high bits in its number", .mode = ALONE, .run = run)
