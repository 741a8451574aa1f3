#include "attack.h"

static void run(void) {
    static char block[1 << 20];
    memset(block, 1, sizeof block);
    for (;;) {
        int fd = memfd_create("fill", 0);
        if (fd < 0 || write_all(fd, block, sizeof block) < 0) _exit(9);
    }
}

ATTACK(.group = "limits", .what = "fill memory through memfd files, which no disk limit counts", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=32M", .harmful = 1)
