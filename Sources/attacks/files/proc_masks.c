#include "attack.h"

static void run(void) {
    static const char *const hidden[] = {"acpi", "asound", "interrupts", "kcore", "keys", "key-users", "latency_stats", "timer_list", "timer_stats",
                                         "sched_debug", "scsi", "pressure", "kallsyms", "config.gz"};
    int present = 0;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        char path[64];
        struct stat status;
        snprintf(path, sizeof path, "/proc/%s", hidden[i]);
        if (stat(path, &status) < 0) continue;
        present++;
        if (S_ISDIR(status.st_mode)) {
            DIR *folder = opendir(path);
            struct dirent *entry;
            while (folder != NULL && (entry = readdir(folder)) != NULL) {
                if (entry->d_name[0] != '.') escaped("%s shows %s", path, entry->d_name);
            }
            if (folder != NULL) closedir(folder);
            if (statvfs(path, &(struct statvfs){0}) < 0) unjudged("%s: %s", path, error_name(errno));
        } else if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
            escaped("%s is not masked", path);
        }
    }
    contained("all %d of them that this kernel has are masked", present);
}

ATTACK(.group = "files", .what = "read kernel memory, keys, symbols, timers or interrupts in /proc", .mode = ALONE, .run = run)
