#include "attack.h"

// Who may chroot and keeps a descriptor of the old root walks out by "..".
static long by_chroot(void) {
    if (mkdir("/tmp/jail", 0755) < 0 && errno != EEXIST) return -1;
    int outside = open("/", O_RDONLY | O_DIRECTORY);
    if (outside < 0 || chroot("/tmp/jail") < 0 || fchdir(outside) < 0) return -1;
    for (int i = 0; i < 64; i++) {
        if (chdir("..") < 0) return -1;
    }
    return chroot(".");
}
static long by_pivot(void) { return syscall(SYS_pivot_root, ".", "."); }

static void run(void) {
    static const struct named_call calls[] = {{"chroot", by_chroot}, {"pivot_root", by_pivot}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "files", .what = "change its root and walk out of the old one", .mode = ALONE, .run = run)
