#include "attack.h"

#include <sys/file.h>

// Locks on files that every job can read carry bits from one to the other.
static const char *const paths[] = {"/etc/passwd", "/bin/sh", "/usr/bin", "/"};

static void hold(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = open(paths[i], O_RDONLY);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) unjudged("flock %s: %s", paths[i], error_name(errno));
    }
    // No process has an open file description lock, so /proc/locks could show it to everybody (proc_locks(5)).
    int own = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 4711, .l_len = 1};
    if (own < 0 || fcntl(own, F_OFD_SETLK, &range) < 0) unjudged("a lock on /tmp/locked: %s", error_name(errno));
    ready_until_released();
    contained("it held its locks");
}

static void probe(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = open(paths[i], O_RDONLY);
        if (fd < 0) unjudged("%s: %s", paths[i], error_name(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) escaped("%s is locked by another job: %s", paths[i], error_name(errno));
        flock(fd, LOCK_UN);
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        if (i < 2 && fcntl(fd, F_OFD_SETLK, &lock) < 0) escaped("%s is locked by another job: %s", paths[i], error_name(errno));
        lock.l_type = F_UNLCK;
        fcntl(fd, F_OFD_SETLK, &lock);
    }
    char text[4096];
    if (read_file("/proc/locks", text, sizeof text) > 0) escaped("/proc/locks shows: %.60s", text);
    contained("every lock is free, and /proc/locks is empty");
}

ATTACK(.group = "neighbours", .what = "see another job's locks on files of the image", .mode = PAIR, .run = hold, .second = probe)
