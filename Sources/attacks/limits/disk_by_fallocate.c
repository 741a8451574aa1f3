#include "attack.h"

static void run(void) {
    for (int number = 0;; number++) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/%d", number);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) _exit(3);
        for (off_t at = 0; at < 1 << 20; at += 4096) {
            if (fallocate(fd, 0, at, 4096) < 0) _exit(3);
        }
    }
}

ATTACK(.group = "limits", .what = "reserve more of /tmp than there is", .mode = VERDICT, .run = run,
       .expect = "disk_limit", .limits = "disk=16M", .harmful = 1)
