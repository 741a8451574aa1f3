#include "attack.h"

static void run(void) {
    if (getsid(0) != getpid()) escaped("its session is %d, that of somebody else", getsid(0));
    if (getpgrp() != getpid()) escaped("its process group is %d, that of somebody else", getpgrp());
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY);
    if (tty >= 0) escaped("it has a terminal");
    contained("it has a session of its own, and /dev/tty answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "share a session or a terminal with who started it", .mode = ALONE, .run = run)
