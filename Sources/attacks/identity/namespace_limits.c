#include "attack.h"

static void run(void) {
    static const char *const kinds[] = {"user", "pid", "mnt", "ipc", "uts", "net", "cgroup", "time"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64], value[32];
        snprintf(path, sizeof path, "/proc/sys/user/max_%s_namespaces", kinds[i]);
        if (read_file(path, value, sizeof value) < 0) unjudged("%s: %s", path, error_name(errno));
        if (strtol(value, NULL, 10) != 0) escaped("%s is %ld: the filter alone is in the way", path, strtol(value, NULL, 10));
        int fd = open(path, O_WRONLY);
        if (fd >= 0 && write(fd, "1", 1) == 1) escaped("%s could be raised", path);
    }
    contained("all eight limits are 0 and cannot be written");
}

ATTACK(.group = "identity", .what = "make a namespace of any kind, were the filter not there", .mode = ALONE, .run = run)
