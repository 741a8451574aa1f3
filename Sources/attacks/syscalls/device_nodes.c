#include "attack.h"

static long memory_device(void) { return mknod("/tmp/mem", S_IFCHR | 0666, makedev(1, 1)); }
static long disk(void) { return mknod("/tmp/disk", S_IFBLK | 0666, makedev(8, 0)); }
static long virtual_disk(void) { return mknodat(AT_FDCWD, "/tmp/vda", S_IFBLK | 0666, makedev(254, 0)); }
static long null_device(void) { return mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)); }

static void run(void) {
    if (mkfifo("/tmp/fifo", 0600) < 0) unjudged("mkfifo: %s", error_name(errno));
    unlink("/tmp/fifo");
    static const struct named_call calls[] = {{"mem", memory_device}, {"sda", disk}, {"vda", virtual_disk}, {"null", null_device}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "syscalls", .what = "make a device node of the host's memory or disk", .mode = ALONE, .run = run)
