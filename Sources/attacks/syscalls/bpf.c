#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(bpf, 9999, NOWHERE, 1 << 20),
        CALL(bpf, 0 /* MAP_CREATE */, NOWHERE, 1 << 20),
        CALL(bpf, 5 /* PROG_LOAD */, NOWHERE, 1 << 20),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "load a program into the kernel by bpf", .mode = ALONE, .run = run)
