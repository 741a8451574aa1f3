#include "attack.h"

static void run(void) {
    raise(64);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "end by a signal that has no name", .mode = VERDICT, .run = run,
       .expect = "signaled SIGRTMIN+30", .limits = "", .harmful = 1)
