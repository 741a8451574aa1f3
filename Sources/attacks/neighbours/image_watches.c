#include "attack.h"

#include <sys/inotify.h>

static const char *const paths[] = {"/etc", "/usr/bin", "/etc/passwd", "/bin/sh", "/dev/null", "/dev"};

static void watch(void) {
    int fd = inotify_init1(IN_NONBLOCK);
    int watched = 0;
    for (size_t i = 0; fd >= 0 && i < sizeof paths / sizeof *paths; i++) watched += inotify_add_watch(fd, paths[i], IN_ALL_EVENTS) >= 0;
    if (watched < 4) unjudged("only %d watches: %s", watched, error_name(errno));
    // What it does itself it sees.
    close(open("/etc/passwd", O_RDONLY));
    char events[4096];
    if (read(fd, events, sizeof events) <= 0) unjudged("a watch does not even tell of its own opening");
    while (read(fd, events, sizeof events) > 0) {}
    ready_until_released();
    if (read(fd, events, sizeof events) > 0) {
        struct inotify_event event;
        memcpy(&event, events, sizeof event);
        escaped("it saw another job open a file (mask %x)", event.mask);
    }
    contained("no event came of what the other job opened");
}

static void open_them(void) {
    char text[64];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) read_file(paths[i], text, sizeof text);
    if (access("/bin/sh", X_OK) != 0) unjudged("/bin/sh: %s", error_name(errno));
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    contained("it opened them");
}

ATTACK(.group = "neighbours", .what = "watch by inotify which files of the image and which devices another job opens", .mode = PAIR, .run = watch,
       .second = open_them)
