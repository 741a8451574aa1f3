#include "attack.h"

#include <sys/file.h>

// Locks on files that every job can read carry bits from one to the other.
static const char *const paths[] = {"/etc/passwd", "/bin/sh", "/usr/bin", "/"};

static void hold(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = open(paths[i], O_RDONLY);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) unjudged("flock %s: %s", paths[i], error_name(errno));
    }
    memo("held");
    if (fork() == 0) sleep_for_ever();
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

ATTACK(.group = "neighbours", .what = "see the locks of the job before it on files of the image", .mode = SEQUEL, .run = hold, .second = probe)
