#include "attack.h"

static void run(void) {
    kill(-1, SIGKILL);
    kill(-1, SIGSTOP);
    kill(1, SIGKILL);
    kill(0, SIGCONT);
    nap(20);
    // Still here, and this is what the verdict must say.
    _exit(7);
}

ATTACK(.group = "processes", .what = "kill everything that it can name, then end with code 7", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 7", .harmful = 1)
