#include "attack.h"

static void run(void) {
    static char block[65536];
    for (int number = 0; number < 490; number++) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) < 0) _exit(9);
        while (write(ends[1], block, sizeof block) > 0) {}
    }
    _exit(9);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory through pipes", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=12M files=1000", .harmful = 1)
