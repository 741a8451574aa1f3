#include "attack.h"

static void run(void) {
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("/tmp/sparse", O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, INT64_MAX) == 0) _exit(9);
    if (errno != EFBIG) _exit(8);
    if (pwrite(fd, "x", 1, 1L << 40) == 1) _exit(9);
    _exit(3);
}

ATTACK(.group = "limits", .what = "make a file of eight exabytes without writing a byte", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 3|signaled SIGXFSZ", .limits = "file=1M", .harmful = 1)
