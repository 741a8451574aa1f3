#include "attack.h"

// Locks on parts of a file take memory of the kernel that no control group counts, so calls that take one are counted. On a
// slow host its time is over before the count is, and ten seconds of it show as much as a minute.
static void run(void) {
    int fd = open("/tmp/file", O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    for (int taken = 0; taken < 300000; taken++) {
        if (fcntl(fd, F_SETLK, &lock) < 0) _exit(8);
    }
    _exit(9);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory with locks on parts of a file", .mode = VERDICT, .run = run,
       .expect = "signaled SIGSYS | wall_time_limit", .limits = "cpu=60000 wall=60000 slow-wall=10000", .harmful = 1)
