#include "attack.h"

static void run(void) {
    static char block[65536];
    memset(block, 10, sizeof block);
    for (;;) {
        if (write(2, block, sizeof block) < 0) _exit(9);
    }
}

ATTACK(.group = "limits", .what = "write to its error stream without end", .mode = VERDICT, .run = run,
       .expect = "output_limit", .limits = "output=64K", .harmful = 1)
