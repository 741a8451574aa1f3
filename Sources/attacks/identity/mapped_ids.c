#include "attack.h"

static void check(const char *path) {
    char map[512];
    unsigned long inside, outside, count;
    int used = 0;
    if (read_file(path, map, sizeof map) < 0) unjudged("%s: %s", path, error_name(errno));
    if (sscanf(map, "%lu %lu %lu%n", &inside, &outside, &count, &used) != 3) escaped("%s is empty", path);
    if (strspn(map + used, " \n") != strlen(map + used)) escaped("%s has more than one line", path);
    if (count != 1) escaped("%s maps %lu ids", path, count);
    if (outside < 100000) escaped("%s maps to %lu, which the host may have given to somebody", path, outside);
}

static void run(void) {
    check("/proc/self/uid_map");
    check("/proc/self/gid_map");
    contained("one id is mapped, to one of the host's that nobody has");
}

ATTACK(.group = "identity", .what = "own an id that counts on the host", .mode = ALONE, .run = run)
