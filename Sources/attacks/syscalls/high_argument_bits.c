#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(ioctl, 0, (1L << 32) | TIOCSTI, NOWHERE),
        CALL(ioctl, 0, (0x7fffffffL << 32) | TIOCLINUX, NOWHERE),
        CALL(socket, (1L << 32) | AF_INET, SOCK_STREAM, 9999),
        CALL(socket, (1L << 32) | AF_NETLINK, SOCK_RAW, 9999),
        CALL(socketpair, (1L << 32) | AF_INET, SOCK_STREAM, 0, NOWHERE),
        CALL(prctl, (1L << 32) | PR_SET_SECCOMP, 2, NOWHERE),
        CALL(fadvise64, -1, 0, 0, (1L << 32) | 4),
        CALL(setsockopt, -1, SOL_SOCKET, (1L << 32) | 26 /* SO_ATTACH_FILTER */, NOWHERE, 16),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "slip past comparisons with high bits that the kernel ignores (CVE-2019-7303, CVE-2019-10063)", .mode = ALONE, .run = run)
