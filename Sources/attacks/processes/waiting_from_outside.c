#include "attack.h"

// The sandboxes that wait for the next jobs are looked at from outside.
static void run(void) {
    ready_until_released();
    contained("it waited");
}

ATTACK(.group = "processes", .what = "find a sandbox whose job, not started yet, still has privileges", .mode = OUTSIDE,
       .run = run)
