#include "attack.h"

static void run(void) {
    static const struct {
        const char *name;
        int resource;
        rlim_t most;
    } limits[] = {
        {"RLIMIT_CORE", RLIMIT_CORE, 1},
        {"RLIMIT_NOFILE", RLIMIT_NOFILE, 1024},
        {"RLIMIT_FSIZE", RLIMIT_FSIZE, 64 << 20},
        {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, 8 << 20},
        {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE, 819200},
        {"RLIMIT_RTPRIO", RLIMIT_RTPRIO, 0},
        {"RLIMIT_NICE", RLIMIT_NICE, 0},
        {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING, 4096},
        {"RLIMIT_STACK", RLIMIT_STACK, 64 << 20},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit, more;
        if (getrlimit(limits[i].resource, &limit) < 0) unjudged("%s: %s", limits[i].name, error_name(errno));
        if (limit.rlim_max > limits[i].most) {
            escaped("%s is %llu, over %llu", limits[i].name, (unsigned long long)limit.rlim_max, (unsigned long long)limits[i].most);
        }
        more = (struct rlimit){limit.rlim_max + 1, limit.rlim_max + 1};
        if (setrlimit(limits[i].resource, &more) == 0) escaped("%s could be raised", limits[i].name);
    }
    contained("nine limits are finite, and raising them answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "find a resource limit that is missing, or raise one", .mode = ALONE, .run = run)
