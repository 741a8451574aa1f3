#include "attack.h"

// What a mount covers must not be reached beside it.
static void run(void) {
    struct stat root, above;
    static const char *const points[] = {"/box", "/tmp", "/proc", "/dev"};
    if (stat("/", &root) < 0) unjudged("/: %s", error_name(errno));
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/..", points[i]);
        // Other sandboxes may have no /box.
        if (stat(path, &above) < 0) continue;
        if (above.st_ino != root.st_ino || above.st_dev != root.st_dev) escaped("%s is not the root", path);
        snprintf(path, sizeof path, "%s.moved", points[i]);
        if (rename(points[i], path) == 0) escaped("%s was moved away", points[i]);
        if (errno != EROFS && errno != EBUSY && errno != EXDEV) escaped("only %s kept %s in its place", error_name(errno), points[i]);
        if (rmdir(points[i]) == 0) escaped("%s was removed", points[i]);
        if (syscall(SYS_renameat2, AT_FDCWD, points[i], AT_FDCWD, "/tmp", 2 /* EXCHANGE */) == 0) escaped("%s was exchanged", points[i]);
    }
    if (access("/box/../box/box", F_OK) == 0 || access("/tmp/../box/tmp", F_OK) == 0) escaped("the work folder's own root shows");
    contained("every mount point stays, and '..' of each is the root");
}

ATTACK(.group = "files", .what = "reach what lies below a mount, by '..' or by moving it", .mode = ALONE, .run = run)
