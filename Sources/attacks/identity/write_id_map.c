#include "attack.h"

static long write_to(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    return fd < 0 ? -1 : write(fd, text, strlen(text));
}
static long user_map(void) { return write_to("/proc/self/uid_map", "0 0 4294967295"); }
static long group_map(void) { return write_to("/proc/self/gid_map", "0 0 4294967295"); }
static long groups(void) { return write_to("/proc/self/setgroups", "allow"); }

static void run(void) {
    static const struct named_call calls[] = {{"uid_map", user_map}, {"gid_map", group_map}, {"setgroups", groups}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "identity", .what = "map more ids into its user namespace", .mode = ALONE, .run = run)
