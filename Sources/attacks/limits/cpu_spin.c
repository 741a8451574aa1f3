#include "attack.h"

static void run(void) {
    for (volatile long turn = 0;; turn++) {}
}

ATTACK(.group = "limits", .what = "burn CPU in one thread", .mode = VERDICT, .run = run,
       .expect = "cpu_time_limit", .limits = "cpu=150", .harmful = 1)
