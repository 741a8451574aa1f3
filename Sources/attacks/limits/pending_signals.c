#include "attack.h"

static void run(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int count = 0;
    while (count < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) count++;
    if (count > 4096) escaped("%d signals are queued", count);
    contained("%s after %d queued signals", error_name(errno), count);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory with queued signals", .mode = ALONE, .run = run, .harmful = 1)
