#include "attack.h"

static void run(void) {
    pid_t most = 4 << 20;
    char text[32];
    if (read_file("/proc/sys/kernel/pid_max", text, sizeof text) > 0 && atoi(text) > 0) most = atoi(text);
    // The numbers of a sandbox are small; the host's are spread over all of them.
    if (most > 200000) most = 200000;
    for (pid_t pid = 2; pid < most; pid++) {
        if (pid == getpid()) continue;
        if (kill(pid, 0) == 0 || errno != ESRCH) escaped("there is a process %d: %s", pid, error_name(errno));
    }
    pid_t outside = atoi(given("PID"));
    if (outside != getpid() && syscall(SYS_pidfd_open, outside, 0) >= 0) escaped("the host's process %d can be named", outside);
    contained("ESRCH for each number up to %d but 1 and its own", most);
}

ATTACK(.group = "processes", .what = "find a process that is not its own by trying every number", .mode = ALONE, .run = run)
