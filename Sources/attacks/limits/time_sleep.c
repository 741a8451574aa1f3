#include "attack.h"

static void run(void) { sleep_for_ever(); }

ATTACK(.group = "limits", .what = "sleep past its deadline", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
