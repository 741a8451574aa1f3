#include "attack.h"

static void run(void) {
    static const char *const paths[] = {"/sys/kernel", "/sys/fs/cgroup", "/sys/devices", "/sys/class/net", "/sys/kernel/security", "/sys/firmware", "/sys/power/state"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (access(paths[i], F_OK) == 0) escaped("%s is there", paths[i]);
    }
    char text[65536];
    if (read_file("/proc/self/mountinfo", text, sizeof text) < 0) unjudged("mountinfo: %s", error_name(errno));
    static const char *const types[] = {" - sysfs ", " - cgroup", " - debugfs ", " - tracefs ", " - securityfs ", " - bpf ", " - devpts ", " - devtmpfs ", " - configfs ", " - fuse"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char *found = strstr(text, types[i]);
        if (found != NULL) escaped("a file system is mounted: %.60s", found + 3);
    }
    contained("no /sys, and no kernel file system but proc is mounted");
}

ATTACK(.group = "files", .what = "reach the kernel through /sys, cgroupfs, debugfs and the like", .mode = ALONE, .run = run)
