#include "attack.h"

// Every family but AF_UNIX, with each type: the wide parts of the kernel that a job has no use for.
static void run(void) {
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) unjudged("AF_UNIX itself does not work: %s", error_name(errno));
    close(fd);
    int tried = 0, error = 0;
    for (int family = 2; family < 64; family++) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++, tried++) {
            fd = socket(family, types[i], 0);
            if (fd >= 0) escaped("socket(%d, %d) is open", family, types[i]);
            error = errno;
            // The kernel's own answer to a family that it has and a type or protocol that does not fit is another.
            if (error != EAFNOSUPPORT && error != ENOSYS) escaped("socket(%d, %d) reached the kernel: %s", family, types[i], error_name(error));
        }
    }
    contained("AF_UNIX works, %d others answer %s", tried, error_name(error));
}

ATTACK(.group = "syscalls", .what = "open a socket of any family but AF_UNIX", .mode = ALONE, .run = run)
