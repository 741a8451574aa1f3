#include "attack.h"

static void run(void) {
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("/tmp/file", O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || pwrite(fd, "x", 1, (1 << 20) - 1) != 1) unjudged("a file of 1 MiB cannot be made: %s", error_name(errno));
    if (pwrite(fd, "x", 1, 1 << 20) == 1) escaped("a file grew past its limit by pwrite");
    if (ftruncate(fd, 2 << 20) == 0) escaped("a file grew past its limit by ftruncate");
    if (fallocate(fd, 0, 0, 2 << 20) == 0) escaped("a file grew past its limit by fallocate");
    int memory = memfd_create("file", 0);
    if (memory >= 0 && ftruncate(memory, 2 << 20) == 0) escaped("a memfd grew past its limit");
    contained("%s past 1 MiB, by each way to grow", error_name(errno));
}

ATTACK(.group = "limits", .what = "make a file grow past its limit by pwrite, ftruncate, fallocate or memfd", .mode = ALONE, .run = run,
       .limits = "file=1M")
