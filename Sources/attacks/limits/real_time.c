#include "attack.h"

static long first_in_first_out(void) {
    struct sched_param parameter = {1};
    return sched_setscheduler(0, SCHED_FIFO, &parameter);
}
static long deadline(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {48, 6, 0, 0, 0, 10000000, 20000000, 20000000};
    return syscall(SYS_sched_setattr, 0, &attributes, 0);
}
static long nicer(void) { return setpriority(PRIO_PROCESS, 0, -10); }
static long disk(void) { return syscall(SYS_ioprio_set, 1, 0, 1 << 13 /* real time */); }

static void run(void) {
    static const struct named_call calls[] = {{"SCHED_FIFO", first_in_first_out}, {"SCHED_DEADLINE", deadline}, {"nice -10", nicer}, {"real-time I/O", disk}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "limits", .what = "push everybody else aside by real-time scheduling", .mode = ALONE, .run = run, .harmful = 1)
