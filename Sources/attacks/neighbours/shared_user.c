#include "attack.h"

#include <sys/inotify.h>
#include <sys/time.h>

// The kernel counts some things by user: with one user for all jobs, one of them uses them up for the others.
static int inotify_instances(void) {
    int count = 0;
    while (count < 4096 && inotify_init1(0) >= 0) count++;
    return count;
}
static int pending_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int count = 0;
    while (count < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) count++;
    return count;
}
static int pipe_sizes(void) {
    int count = 0, ends[2];
    while (count < 100 && pipe(ends) == 0) {
        if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0) break;
        count++;
    }
    return count;
}

static void use_up(void) {
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            if (i == 0) inotify_instances();
            if (i == 1) pipe_sizes();
            sleep_for_ever();
        }
    }
    int signals = pending_signals();
    nap(50);
    ready_until_released();
    for (int i = 0; i < 2; i++) kill(children[i], SIGKILL);
    contained("it held %d signals, and all the inotify instances and pipe pages that it could get", signals);
}

static void use_some(void) {
    if (inotify_init1(0) < 0) escaped("no inotify instance is left: %s", error_name(errno));
    int ends[2];
    if (pipe(ends) < 0) unjudged("pipe: %s", error_name(errno));
    if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0) escaped("no pipe pages are left: %s", error_name(errno));
    int signals = pending_signals();
    if (signals < 100) escaped("only %d signals can be queued", signals);
    contained("inotify, pipe pages and %d pending signals are there for it", signals);
}

ATTACK(.group = "neighbours", .what = "use up what the kernel counts by user, for the job beside it", .mode = PAIR, .run = use_up, .second = use_some,
       .limits = "memory=64M", .harmful = 1)
