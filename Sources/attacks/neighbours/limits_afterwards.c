#include "attack.h"

// What a job does to itself must not be there for the next: limits, priority, mask of CPUs, mode of new files.
static void summary(char *text, size_t size) {
    size_t length = 0;
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit = {0, 0};
        getrlimit(resource, &limit);
        length += (size_t)snprintf(text + length, size - length, "%llu/%llu,", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    mode_t mask = umask(0);
    snprintf(text + length, size - length, "cpus %d nice %d policy %d umask %o", CPU_COUNT(&set), getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), mask);
}

static void worsen(void) {
    char text[1024];
    summary(text, sizeof text);
    memo(text);
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        if (resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_STACK || resource == RLIMIT_CPU) continue;
        getrlimit(resource, &limit);
        limit.rlim_cur = limit.rlim_max = limit.rlim_max < 8 ? limit.rlim_max : 8;
        setrlimit(resource, &limit);
    }
    setpriority(PRIO_PROCESS, 0, 19);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
    umask(0777);
    contained("it lowered all that it could");
}

static void look(void) {
    char text[1024];
    summary(text, sizeof text);
    if (strcmp(text, given("MEMO")) != 0) escaped("limits changed from %s to %s", given("MEMO"), text);
    contained("limits, priority, CPUs and umask are as they were");
}

ATTACK(.group = "neighbours", .what = "spoil limits and priority for the job after it", .mode = SEQUEL, .run = worsen, .second = look)
