#include "attack.h"

static void run(void) {
    static const char *const folders[] = {"/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"};
    int present = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct statvfs status;
        if (statvfs(folders[i], &status) < 0) continue;
        present++;
        if ((status.f_flag & ST_RDONLY) == 0) escaped("%s is not read-only: only its modes are in the way", folders[i]);
    }
    static const char *const files[] = {"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory",
                                        "/proc/sys/vm/drop_caches", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/kernel/ns_last_pid", "/proc/sys/net/ipv4/ip_forward",
                                        "/proc/sys/fs/mqueue/msg_max", "/proc/sys/kernel/shmmax", "/proc/sys/user/max_user_namespaces"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = open(files[i], O_WRONLY);
        if (fd >= 0) escaped("%s can be written", files[i]);
    }
    if (present == 0) unjudged("none of them is there");
    contained("%d places are mounted read-only, and none of twelve settings can be opened for writing", present);
}

ATTACK(.group = "files", .what = "change a setting of the kernel in /proc, such as core_pattern or sysrq-trigger", .mode = ALONE, .run = run)
