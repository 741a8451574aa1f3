#include "attack.h"

static void run(void) {
    close(0);
    close(1);
    close(2);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "close its streams, so that it seems to have ended", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
