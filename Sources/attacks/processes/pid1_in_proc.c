#include "attack.h"

// With hidepid, PID 1 of the sandbox is not there at all; without, its files would be the next thing to try.
static void run(void) {
    static const char *const names[] = {"", "/mem", "/environ", "/cmdline", "/maps", "/fd", "/root", "/cwd", "/exe", "/ns/mnt", "/status", "/stat", "/task/1", "/io", "/stack", "/syscall"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        struct stat status;
        snprintf(path, sizeof path, "/proc/1%s", names[i]);
        if (lstat(path, &status) == 0) escaped("%s is there", path);
        if (errno != ENOENT) escaped("%s is there: %s", path, error_name(errno));
    }
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    char own[16];
    snprintf(own, sizeof own, "%d", getpid());
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && strcmp(entry->d_name, own) != 0) escaped("/proc shows process %s", entry->d_name);
    }
    contained("/proc shows the job's own process alone");
}

ATTACK(.group = "processes", .what = "read PID 1's memory, environment or files in /proc", .mode = ALONE, .run = run)
