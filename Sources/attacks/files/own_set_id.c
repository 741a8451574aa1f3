#include "attack.h"

#include <sys/xattr.h>

static long file_capability(void) {
    // CAP_SYS_ADMIN, revision 2.
    static const unsigned char value[20] = {1, 0, 0, 2, 0, 0, 0x20, 0, 0, 0, 0x20};
    return setxattr("/tmp/program", "security.capability", value, sizeof value, 0);
}
static long give_to_root(void) { return chown("/tmp/program", 0, 0); }
static long trusted(void) { return setxattr("/tmp/program", "trusted.overlay.opaque", "y", 1, 0); }

static void run(void) {
    int fd = open("/tmp/program", O_WRONLY | O_CREAT, 0755);
    if (fd < 0) unjudged("/tmp/program: %s", error_name(errno));
    close(fd);
    chmod("/tmp/program", 06755);
    struct statvfs box, tmp;
    if (statvfs(".", &box) < 0 || statvfs("/tmp", &tmp) < 0) unjudged("statvfs: %s", error_name(errno));
    if ((box.f_flag & ST_NOSUID) == 0 || (tmp.f_flag & ST_NOSUID) == 0) escaped("set-id counts in the work folder or /tmp");
    if ((box.f_flag & ST_NODEV) == 0 || (tmp.f_flag & ST_NODEV) == 0) escaped("devices count in the work folder or /tmp");
    static const struct named_call calls[] = {{"a file capability", file_capability}, {"chown to root", give_to_root}, {"trusted.*", trusted}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "files", .what = "make a set-id program of its own, or give a file to root", .mode = ALONE, .run = run)
