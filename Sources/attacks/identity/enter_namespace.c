#include "attack.h"

static long of_init(void) {
    int fd = open("/proc/1/ns/mnt", O_RDONLY);
    return fd < 0 ? -1 : setns(fd, 0);
}
static long of_parent(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", getppid());
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : setns(fd, 0);
}
static long by_handle(void) {
    int handle = (int)syscall(SYS_pidfd_open, 1, 0);
    return handle < 0 ? -1 : setns(handle, CLONE_NEWNS | CLONE_NEWNET);
}
static long of_witness(void) {
    const char *pid = given_or_null("PID");
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/net", pid == NULL ? "1" : pid);
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : setns(fd, 0);
}
static long parent_of_own(void) {
    int own = open("/proc/self/ns/user", O_RDONLY);
    if (own < 0) return -1;
    // NS_GET_PARENT, NS_GET_USERNS (ioctl_ns(2)).
    int parent = ioctl(own, 0xb702);
    if (parent < 0) parent = ioctl(own, 0xb701);
    return parent < 0 ? -1 : setns(parent, 0);
}

static void run(void) {
    static const struct named_call calls[] = {{"PID 1's", of_init},
                                              {"its parent's", of_parent},
                                              {"PID 1's by pidfd", by_handle},
                                              {"a host process's", of_witness},
                                              {"the one above its own", parent_of_own}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "identity", .what = "enter a namespace outside, by /proc, pidfd or ioctl", .mode = ALONE, .run = run)
