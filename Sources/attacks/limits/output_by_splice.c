#include "attack.h"

#include <sys/uio.h>

static void run(void) {
    static char block[65536];
    for (;;) {
        struct iovec part = {block, sizeof block};
        if (vmsplice(1, &part, 1, 0) < 0) _exit(9);
        int fd = open("/dev/zero", O_RDONLY);
        if (fd >= 0) splice(fd, NULL, 1, NULL, sizeof block, 0);
        close(fd);
    }
}

ATTACK(.group = "limits", .what = "write to its output without any write, by splice and vmsplice", .mode = VERDICT, .run = run,
       .expect = "output_limit", .limits = "output=64K", .harmful = 1)
