#include "attack.h"

static void run(void) {
    static const char *const files[] = {"/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/mountstats", "/proc/self/cgroup"};
    static const char *const words[] = {"/var/lib", "bulkhead/", "instances", "rootfs", "/home", "/root", ".scope", ".slice", ".service"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char text[65536];
        if (read_file(files[i], text, sizeof text) < 0) unjudged("%s: %s", files[i], error_name(errno));
        for (size_t j = 0; j < sizeof words / sizeof *words; j++) {
            char *found = strstr(text, words[j]);
            if (found != NULL) escaped("%s shows %.80s", files[i], found);
        }
    }
    contained("mountinfo, mounts, mountstats and cgroup name nothing of the host");
}

ATTACK(.group = "files", .what = "learn the host's paths from /proc", .mode = ALONE, .run = run)
