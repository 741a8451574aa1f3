#include "attack.h"

#include <sys/vfs.h>

// CVE-2025-52881: masks on something that only looks like procfs.
static void run(void) {
    struct statfs status;
    if (statfs("/proc", &status) < 0) unjudged("/proc: %s", error_name(errno));
    if (status.f_type != 0x9fa0) escaped("/proc is no procfs but %lx", (unsigned long)status.f_type);
    char target[64], own[16];
    ssize_t length = readlink("/proc/self", target, sizeof target - 1);
    if (length < 0) unjudged("/proc/self: %s", error_name(errno));
    target[length] = 0;
    snprintf(own, sizeof own, "%d", getpid());
    if (strcmp(target, own) != 0) escaped("/proc is that of another PID namespace: self is %s and not %s", target, own);
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/status", given("PID"));
    char text[1024];
    if (strcmp(given("PID"), own) != 0 && read_file(path, text, sizeof text) >= 0) escaped("%s shows a process of the host", path);
    contained("/proc is procfs, of this PID namespace");
}

ATTACK(.group = "files", .what = "see the host's processes in /proc", .mode = ALONE, .run = run)
