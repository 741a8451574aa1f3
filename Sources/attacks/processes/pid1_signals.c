#include "attack.h"

static void run(void) {
    static const int numbers[] = {SIGKILL, SIGSTOP, SIGTERM, SIGSEGV, SIGCHLD, SIGUSR1, SIGCONT, 0};
    if (getppid() != 1) escaped("its parent is %d and not PID 1 of its own sandbox", getppid());
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (kill(1, numbers[i]) == 0) escaped("kill(1, %d) succeeded", numbers[i]);
        if (errno != EPERM && errno != ESRCH) unjudged("kill(1, %d): %s", numbers[i], error_name(errno));
        if (syscall(SYS_tgkill, 1, 1, numbers[i]) == 0) escaped("tgkill(1, 1, %d) succeeded", numbers[i]);
        siginfo_t information = {.si_signo = numbers[i], .si_code = SI_QUEUE};
        if (syscall(SYS_rt_sigqueueinfo, 1, numbers[i], &information) == 0) escaped("rt_sigqueueinfo(1, %d) succeeded", numbers[i]);
    }
    int handle = (int)syscall(SYS_pidfd_open, 1, 0);
    if (handle >= 0 && syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0) == 0) escaped("a pidfd of PID 1 takes signals");
    int group = kill(-1, 0) == 0;
    // The group of the whole sandbox is this process alone, which kill(-1) leaves out.
    if (group) escaped("kill(-1) reaches another process");
    contained("PID 1 is another user's: EPERM for kill, tgkill, sigqueue and pidfd");
}

ATTACK(.group = "processes", .what = "kill or stop PID 1 of its sandbox", .mode = ALONE, .run = run)
