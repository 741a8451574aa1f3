#include "attack.h"

static void try_write(const char *path) {
    struct stat status;
    if (stat(path, &status) < 0) return;
    int fd = open(path, O_RDWR);
    escaped("%s is within reach%s", path, fd >= 0 ? " and can be written" : "");
}

// The launcher forked this process: its binary was mapped here until execve.
static void run(void) {
    try_write("/proc/1/exe");
    try_write(given("LAUNCHER"));
    try_write("/usr/bin/bulkhead");
    try_write("/usr/bin/bulkhead-launcher");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", getppid());
    try_write(path);
    // Mappings of the past are gone: only this program is mapped.
    char text[65536];
    if (read_file("/proc/self/maps", text, sizeof text) < 0) unjudged("maps: %s", error_name(errno));
    if (strstr(text, "launcher") != NULL) escaped("the launcher's binary is mapped in the job");
    contained("no path and no mapping leads to the launcher");
}

ATTACK(.group = "files", .what = "overwrite the launcher's binary (CVE-2019-5736)", .mode = OUTSIDE, .run = run)
