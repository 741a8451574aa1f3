#include "attack.h"

static void try_path(const char *format, const char *file) {
    char path[512], text[512];
    snprintf(path, sizeof path, format, file);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, text, sizeof text - 1);
    text[got < 0 ? 0 : got] = 0;
    escaped("%s can be opened", path);
}

static void run(void) {
    const char *file = given("FILE");
    try_path("%s", file);
    try_path("/../../../../..%s", file);
    try_path("/proc/1/root%s", file);
    try_path("/proc/1/cwd/../../../..%s", file);
    try_path("/proc/self/root/../../..%s", file);
    try_path("/proc/self/task/../../1/root%s", file);
    try_path("/proc/thread-self/root/..%s", file);
    try_path("/proc/self/fd/0/../..%s", file);
    try_path("/box/../..%s", file);
    try_path("/dev/fd/../../../../..%s", file);
    char format[64];
    snprintf(format, sizeof format, "/proc/%s/root%%s", given("PID"));
    try_path(format, file);
    for (int pid = 0; pid < 400; pid++) {
        snprintf(format, sizeof format, "/proc/%d/root%%s", pid);
        try_path(format, file);
    }
    contained("no path leads to %s", file);
}

ATTACK(.group = "files", .what = "open a file of the host that everybody may write", .mode = ALONE, .run = run)
