#include "attack.h"

static void run(void) {
    static char block[65536];
    memset(block, 1, sizeof block);
    for (;;) {
        int fd = open("/tmp/x", O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || unlink("/tmp/x") < 0 || write_all(fd, block, sizeof block) < 0) _exit(3);
    }
}

ATTACK(.group = "limits", .what = "fill /tmp with files that it has removed again", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 3|disk_limit", .limits = "disk=16M", .harmful = 1)
