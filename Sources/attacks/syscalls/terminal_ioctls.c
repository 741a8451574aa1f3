#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(ioctl, 0, TIOCSTI, NOWHERE),
        CALL(ioctl, 0, TIOCLINUX, NOWHERE),
        CALL(ioctl, 0, TIOCSETD, NOWHERE),
        CALL(ioctl, 0, TIOCCONS, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "type into a terminal: TIOCSTI, TIOCLINUX, TIOCSETD (CVE-2017-5226)", .mode = ALONE, .run = run)
