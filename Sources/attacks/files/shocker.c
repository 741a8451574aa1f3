#include "attack.h"

// open_by_handle_at with the handle of the root folder, inode 2 on ext4, through any descriptor of the same file system.
static long by_handle(void) {
    static const char *const places[] = {"/", "/etc", "/box", "/proc/self/exe", "/etc/hostname", "/etc/resolv.conf"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct {
            unsigned length;
            int type;
            unsigned char bytes[8];
        } handle = {8, 1, {2, 0, 0, 0, 0, 0, 0, 0}};
        int place = open(places[i], O_RDONLY);
        if (place < 0) continue;
        int fd = (int)syscall(SYS_open_by_handle_at, place, &handle, O_RDONLY);
        if (fd >= 0) return fd;
    }
    return -1;
}
static long own_handle(void) {
    struct {
        unsigned length;
        int type;
        unsigned char bytes[128];
    } handle = {128, 0, {0}};
    int mount;
    return syscall(SYS_name_to_handle_at, AT_FDCWD, "/etc/passwd", &handle, &mount, 0);
}

static void run(void) {
    static const struct named_call calls[] = {{"open_by_handle_at", by_handle}, {"name_to_handle_at", own_handle}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "files", .what = "open the host's root folder by its handle", .mode = ALONE, .run = run)
