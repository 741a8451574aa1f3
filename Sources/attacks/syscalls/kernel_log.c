#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        PRIVILEGED_CALL(syslog, 3 /* READ_ALL */, NOWHERE, 4096),
        PRIVILEGED_CALL(syslog, 10 /* SIZE_BUFFER */, 0, 0),
        PRIVILEGED_CALL(syslog, 99, 0, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "read or clear the kernel's log", .mode = ALONE, .run = run)
