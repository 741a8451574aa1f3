#include "attack.h"

static void run(void) {
    static char block[65536];
    int fd = open("/tmp/large", O_WRONLY | O_CREAT, 0600);
    for (;;) {
        if (fd < 0 || write(fd, block, sizeof block) < 0) _exit(9);
    }
}

ATTACK(.group = "limits", .what = "make one file larger than a file may be", .mode = VERDICT, .run = run,
       .expect = "signaled SIGXFSZ", .limits = "file=1M", .harmful = 1)
