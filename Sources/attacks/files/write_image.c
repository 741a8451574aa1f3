#include "attack.h"

#include <sys/xattr.h>

static void must_fail(const char *what, long result) {
    if (result >= 0) escaped("%s succeeded", what);
    if (errno != EROFS) escaped("only %s stopped it to %s: the image is not read-only", error_name(errno), what);
}

static void run(void) {
    static const char *const files[] = {"/etc/passwd", "/bin/sh", "/usr/bin/python3", "/etc/ld.so.cache"};
    static const char *const folders[] = {"/", "/usr", "/etc", "/usr/bin", "/usr/lib", "/var"};
    char what[128], path[128];
    int tried = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct stat status;
        if (stat(files[i], &status) < 0) continue;
        tried++;
        snprintf(what, sizeof what, "open %s for writing", files[i]);
        must_fail(what, open(files[i], O_WRONLY));
        snprintf(what, sizeof what, "cut %s", files[i]);
        must_fail(what, truncate(files[i], 0));
        snprintf(what, sizeof what, "remove %s", files[i]);
        must_fail(what, unlink(files[i]));
        snprintf(path, sizeof path, "/proc/self/root%s", files[i]);
        snprintf(what, sizeof what, "open %s for writing", path);
        must_fail(what, open(path, O_RDWR));
    }
    if (tried == 0) unjudged("the image has none of the files that are tried");
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (access(folders[i], F_OK) < 0) continue;
        snprintf(path, sizeof path, "%s/attacked", folders[i]);
        snprintf(what, sizeof what, "make a file in %s", folders[i]);
        must_fail(what, open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
        snprintf(what, sizeof what, "make a folder in %s", folders[i]);
        must_fail(what, mkdir(path, 0700));
    }
    must_fail("change the mode of /etc/passwd", chmod("/etc/passwd", 0666));
    must_fail("change the times of /etc/passwd", utimensat(AT_FDCWD, "/etc/passwd", NULL, 0));
    must_fail("give /etc/passwd an attribute", setxattr("/etc/passwd", "user.attacked", "x", 1, 0));
    struct statvfs root;
    if (statvfs("/", &root) < 0 || (root.f_flag & ST_RDONLY) == 0) escaped("/ is mounted writable");
    contained("EROFS for everything that would change the image");
}

ATTACK(.group = "files", .what = "write to the image that all jobs share", .mode = ALONE, .run = run)
