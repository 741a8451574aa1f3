#include "attack.h"

static void run(void) {
    kill(getpid(), SIGKILL);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "pass for a program that was killed for its memory, by killing itself", .mode = VERDICT, .run = run,
       .expect = "signaled SIGKILL", .limits = "", .harmful = 1)
