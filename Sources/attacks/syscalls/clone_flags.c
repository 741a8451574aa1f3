#include "attack.h"

// Each flag by itself and proper: the kernel would make the namespace, or refuse for want of rights or by its limits
// (ENOSPC), neither of which is the filter.
static void run(void) {
    static const struct {
        const char *name;
        unsigned long flag;
    } flags[] = {{"NEWNS", CLONE_NEWNS},   {"NEWCGROUP", CLONE_NEWCGROUP}, {"NEWUTS", CLONE_NEWUTS},
                 {"NEWIPC", CLONE_NEWIPC}, {"NEWUSER", CLONE_NEWUSER},     {"NEWPID", CLONE_NEWPID},
                 {"NEWNET", CLONE_NEWNET}, {"NEWUSER with high bits", CLONE_NEWUSER | 1UL << 40}};
    // The same call without a flag works.
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    if (child < 0) unjudged("clone itself does not work: %s", error_name(errno));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        child = syscall(SYS_clone, flags[i].flag | SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) _exit(0);
        if (child > 0) escaped("clone made a namespace: %s", flags[i].name);
        if (errno == ENOSPC) escaped("only the limit of namespaces stopped %s", flags[i].name);
        if (errno != EPERM && errno != ENOSYS) escaped("%s reached the kernel: %s", flags[i].name, error_name(errno));
    }
    contained("clone without a namespace works, with each of them it answers %s", error_name(errno));
}

ATTACK(.group = "syscalls", .what = "make a namespace by each flag of clone", .mode = ALONE, .run = run)
