#include "attack.h"

static pid_t outside;
static long kill_it(void) { return kill(outside, SIGTERM); }
static long interrupt_it(void) { return kill(outside, SIGUSR1); }
static long by_handle(void) {
    long handle = syscall(SYS_pidfd_open, outside, 0);
    return handle < 0 ? -1 : syscall(SYS_pidfd_send_signal, handle, SIGUSR1, NULL, 0);
}
static long environment(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/environ", outside);
    return read_file(path, text, sizeof text);
}
static long memory(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", outside);
    return open(path, O_RDONLY);
}
static long owner(void) {
    // Input on a pipe would signal the process that is named as the owner.
    int ends[2];
    if (pipe(ends) < 0) unjudged("pipe: %s", error_name(errno));
    return fcntl(ends[0], F_SETOWN, outside);
}
static long priority(void) { return setpriority(PRIO_PROCESS, outside, 19); }

static void run(void) {
    outside = atoi(given("PID"));
    static const struct named_call calls[] = {{"SIGTERM", kill_it},        {"SIGUSR1", interrupt_it}, {"pidfd", by_handle},
                                              {"environ", environment},    {"mem", memory},           {"F_SETOWN", owner},
                                              {"setpriority", priority}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "processes", .what = "signal a process of the host, or read its environment and memory", .mode = ALONE, .run = run)
