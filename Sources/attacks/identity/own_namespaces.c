#include "attack.h"

static void run(void) {
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char name[32], path[64], target[64];
        snprintf(name, sizeof name, "NS_%s", kinds[i]);
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        const char *outside = given(name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length < 0) unjudged("%s: %s", path, error_name(errno));
        target[length] = 0;
        if (strcmp(target, outside) == 0) escaped("it is in the host's %s namespace, %s", kinds[i], target);
    }
    contained("it is in a namespace of its own of each of seven kinds");
}

ATTACK(.group = "identity", .what = "find itself in a namespace of the host's", .mode = ALONE, .run = run)
