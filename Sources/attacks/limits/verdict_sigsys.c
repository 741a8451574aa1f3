#include "attack.h"

static void run(void) {
    raise(SIGSYS);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "pass for a program that the filter killed, by signalling itself", .mode = VERDICT, .run = run,
       .expect = "signaled SIGSYS", .limits = "", .harmful = 1)
