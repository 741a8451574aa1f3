#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(setsockopt, -1, SOL_SOCKET, 26 /* SO_ATTACH_FILTER */, NOWHERE, 16),
        CALL(setsockopt, -1, SOL_SOCKET, 50 /* SO_ATTACH_BPF */, NOWHERE, 4),
        CALL(setsockopt, -1, SOL_SOCKET, 51 /* SO_ATTACH_REUSEPORT_CBPF */, NOWHERE, 16),
        CALL(setsockopt, -1, SOL_SOCKET, 52 /* SO_ATTACH_REUSEPORT_EBPF */, NOWHERE, 4),
        CALL(setsockopt, -1, SOL_SOCKET, 44 /* SO_LOCK_FILTER */, NOWHERE, 4),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "attach a program to a socket, out of a pool that all jobs share", .mode = ALONE, .run = run)
