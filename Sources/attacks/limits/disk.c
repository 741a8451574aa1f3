#include "attack.h"

static void run(void) {
    static char block[65536];
    memset(block, 1, sizeof block);
    for (int number = 0;; number++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%d", number % 2 == 0 ? "/tmp" : "/box", number);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) _exit(3);
        for (int i = 0; i < 16; i++) {
            if (write(fd, block, sizeof block) != sizeof block) _exit(3);
        }
        close(fd);
    }
}

ATTACK(.group = "limits", .what = "fill /tmp and /box", .mode = VERDICT, .run = run,
       .expect = "disk_limit", .limits = "disk=16M", .harmful = 1)
