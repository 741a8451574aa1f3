#include "attack.h"

// CVE-2024-21626: a working folder outside the root gives the host's file system by "..".
static void run(void) {
    char cwd[PATH_MAX];
    struct stat root, climbed;
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0) unjudged("getcwd: %s", error_name(errno));
    if (cwd[0] != '/') escaped("the working folder is outside the root: %s", cwd);
    if (stat("/", &root) < 0) unjudged("/: %s", error_name(errno));
    if (stat("../../../../../../../../..", &climbed) < 0) unjudged("..: %s", error_name(errno));
    if (root.st_ino != climbed.st_ino || root.st_dev != climbed.st_dev) escaped("'..' leads past the root");
    for (int fd = 0; fd < 16; fd++) {
        char path[128];
        snprintf(path, sizeof path, "/proc/self/fd/%d/../../../../../..%s", fd, given("FILE"));
        if (access(path, F_OK) == 0) escaped("%s exists", path);
    }
    contained("it is %s, and '..' ends at the root", cwd);
}

ATTACK(.group = "identity", .what = "climb out of its root by its working folder", .mode = ALONE, .run = run)
