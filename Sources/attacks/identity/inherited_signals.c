#include "attack.h"

#include <sys/time.h>

// A signal that stays ignored over execve is a small channel, and breaks programs that count on it.
static void run(void) {
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) escaped("signal %d is not at its default", number);
        if (sigismember(&blocked, number) == 1) escaped("signal %d is blocked", number);
    }
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    if (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0) escaped("a timer runs");
    contained("every signal is at its default, none is blocked, no timer runs");
}

ATTACK(.group = "identity", .what = "tell from its signals and timers who started it", .mode = ALONE, .run = run)
