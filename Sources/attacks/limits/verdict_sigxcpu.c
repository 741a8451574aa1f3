#include "attack.h"

static void run(void) {
    raise(SIGXCPU);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "pass for a program that ran out of CPU time, by signalling itself", .mode = VERDICT, .run = run,
       .expect = "signaled SIGXCPU", .limits = "", .harmful = 1)
