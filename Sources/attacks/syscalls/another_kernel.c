#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        PRIVILEGED_CALL(kexec_load, 0, 0, 0, ~0L),
        PRIVILEGED_CALL(kexec_file_load, -1, -1, 0, 0, ~0L),
        PRIVILEGED_CALL(reboot, 0, 0, 0, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "start another kernel, or the machine anew", .mode = ALONE, .run = run)
