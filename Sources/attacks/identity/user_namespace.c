#include "attack.h"

#include <linux/capability.h>

// In a user namespace of its own a process has every capability.
static long by_unshare(void) { return unshare(CLONE_NEWUSER); }
static long by_clone(void) {
    long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    return child;
}
static long by_clone3(void) {
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return child;
}

static void run(void) {
    static const struct named_call calls[] = {{"unshare", by_unshare}, {"clone", by_clone}, {"clone3", by_clone3}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "identity", .what = "gain every capability in a user namespace of its own", .mode = ALONE, .run = run)
