#include "attack.h"

// The job is looked at from outside, in the numbers of the host.
static void run(void) {
    ready_until_released();
    contained("it waited");
}

ATTACK(.group = "processes", .what = "have ids, capabilities or groups that count on the host", .mode = OUTSIDE,
       .run = run)
