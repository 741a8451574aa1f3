#include "attack.h"

static long priority(void) { return setpriority(PRIO_PROCESS, 1, 19); }
static long affinity(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(1, sizeof set, &set);
}
static long idle(void) {
    struct sched_param parameter = {0};
    return sched_setscheduler(1, SCHED_IDLE, &parameter);
}
static long disk(void) { return syscall(SYS_ioprio_set, 1, 1, 3 << 13); }
static long group(void) { return setpgid(1, 0); }

static void run(void) {
    static const struct named_call calls[] = {
        {"setpriority", priority}, {"sched_setaffinity", affinity}, {"sched_setscheduler", idle}, {"ioprio_set", disk}, {"setpgid", group}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "processes", .what = "slow PID 1 down, so that the job's end is reported late", .mode = ALONE, .run = run)
