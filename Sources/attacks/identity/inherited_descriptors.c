#include "attack.h"

static void run(void) {
    for (int fd = 3; fd < 65536; fd++) {
        if (fcntl(fd, F_GETFD) < 0) continue;
        char path[64], target[256];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        escaped("descriptor %d is open: %s", fd, target);
    }
    for (int fd = 0; fd < 3; fd++) {
        struct stat status;
        if (fstat(fd, &status) < 0) unjudged("descriptor %d: %s", fd, error_name(errno));
        int is_null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
        if (!S_ISFIFO(status.st_mode) && !is_null) {
            escaped("descriptor %d is no pipe (mode %o): a file, socket or terminal of the host", fd, status.st_mode);
        }
    }
    contained("descriptors 0, 1 and 2 are pipes and no other is open");
}

ATTACK(.group = "identity", .what = "find a descriptor that was left open (CVE-2024-21626)", .mode = ALONE, .run = run)
