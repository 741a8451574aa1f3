#include "attack.h"

static void run(void) {
    static char block[32768];
    for (int number = 0; number < 490; number++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) _exit(9);
        while (write(ends[1], block, sizeof block) > 0) {}
        while (write(ends[0], block, sizeof block) > 0) {}
    }
    _exit(9);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory through socket buffers", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=16M files=1000", .harmful = 1)
