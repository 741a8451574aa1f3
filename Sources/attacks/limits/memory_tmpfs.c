#include "attack.h"

static void run(void) {
    static char block[1 << 20];
    memset(block, 1, sizeof block);
    for (int number = 0;; number++) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/%d", number);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write_all(fd, block, sizeof block) < 0) _exit(9);
        close(fd);
    }
}

ATTACK(.group = "limits", .what = "fill memory through files in /tmp", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=24M disk=128M", .harmful = 1)
