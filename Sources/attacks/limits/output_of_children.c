#include "attack.h"

static void run(void) {
    for (int i = 0; i < 4; i++) {
        if (fork() != 0) continue;
        setsid();
        nap(300);
        static char block[65536];
        for (;;) {
            if (write(1, block, sizeof block) < 0) _exit(9);
        }
    }
    _exit(0);
}

ATTACK(.group = "limits", .what = "write to its output from children after its own end", .mode = VERDICT, .run = run,
       .expect = "ok", .limits = "output=64K", .harmful = 1)
