#include "attack.h"

// The flags lie in memory, where no filter can read them.
static void run(void) {
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
    } arguments = {.exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) _exit(0);
    if (child > 0) {
        arguments.flags = CLONE_NEWUSER | CLONE_NEWNS;
        child = syscall(SYS_clone3, &arguments, sizeof arguments);
        if (child == 0) _exit(0);
        if (child > 0) escaped("clone3 made namespaces");
        escaped("clone3 is let through, whatever its flags: %s", error_name(errno));
    }
    if (errno != ENOSYS && errno != EPERM) escaped("clone3 reached the kernel: %s", error_name(errno));
    contained("clone3 answers %s whatever its flags", error_name(errno));
}

ATTACK(.group = "syscalls", .what = "hide the flags of clone in memory, by clone3", .mode = ALONE, .run = run)
