#include "attack.h"

static void run(void) {
    static const struct {
        const char *name;
        unsigned major, minor;
    } expected[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
    int count = 0;
    DIR *folder = opendir("/dev");
    if (folder == NULL) unjudged("/dev: %s", error_name(errno));
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        struct stat status;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || lstat(path, &status) < 0) continue;
        if (S_ISLNK(status.st_mode)) continue;
        int known = 0;
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            known |= strcmp(entry->d_name, expected[i].name) == 0 && S_ISCHR(status.st_mode) &&
                     status.st_rdev == makedev(expected[i].major, expected[i].minor);
        }
        if (!known) escaped("%s is there: mode %o, %u:%u", path, status.st_mode, major(status.st_rdev), minor(status.st_rdev));
        count++;
    }
    int fd = open("/dev/attacked", O_WRONLY | O_CREAT, 0600);
    if (fd >= 0) escaped("a file was made in /dev");
    if (errno != EROFS) escaped("only %s stopped it to write to /dev", error_name(errno));
    static const char *const absent[] = {"mem", "kmem", "kmsg", "port", "kvm", "fuse", "ptmx", "pts/0", "console", "sda", "vda", "nvme0n1", "loop0",
                                         "loop-control", "net/tun", "vsock", "vhost-net", "userfaultfd", "cpu/0/msr", "hpet", "rtc0", "snapshot", "btrfs-control"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/%s", absent[i]);
        if (access(path, F_OK) == 0) escaped("%s is there", path);
    }
    contained("%d devices, each with its own number, and no room for more", count);
}

ATTACK(.group = "files", .what = "find a device beyond null, zero, full, random, urandom and tty", .mode = ALONE, .run = run)
