#include "attack.h"

// PID 1 is looked at from outside, for inside nothing of it can be seen.
static void run(void) {
    ready_until_released();
    contained("it waited");
}

ATTACK(.group = "processes", .what = "wait until PID 1 of its sandbox is weak: its user, capabilities, filter, dumpability", .mode = OUTSIDE,
       .run = run)
