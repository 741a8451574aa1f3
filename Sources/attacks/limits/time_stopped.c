#include "attack.h"

static void run(void) {
    raise(SIGSTOP);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "stop itself and be waited for", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
