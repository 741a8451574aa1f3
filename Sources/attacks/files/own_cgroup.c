#include "attack.h"

static void run(void) {
    char text[4096];
    if (read_file("/proc/self/cgroup", text, sizeof text) < 0) unjudged("cgroup: %s", error_name(errno));
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *path = strrchr(line, ':');
        if (path == NULL || strcmp(path + 1, "/") != 0) escaped("its control group shows: %s", line);
    }
    static const char *const files[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/pids/pids.max",
                                        "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = open(files[i], O_WRONLY);
        if (fd >= 0) escaped("%s can be written", files[i]);
    }
    contained("it sees the root of a control group namespace, and no control file");
}

ATTACK(.group = "files", .what = "see or change its own control group", .mode = ALONE, .run = run)
