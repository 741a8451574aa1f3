#include "attack.h"

static void run(void) {
    for (int number = 0;; number++) {
        char path[64];
        snprintf(path, sizeof path, "/tmp/%d", number);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) _exit(3);
        close(fd);
    }
}

ATTACK(.group = "limits", .what = "make files without end", .mode = VERDICT, .run = run,
       .expect = "disk_limit", .limits = "inodes=200", .harmful = 1)
