#include "attack.h"

// A core_pattern that is a pipe starts a program of the host, as root, with the job's memory: RLIMIT_CORE 0 does not stop
// it, 1 does (core(5)).
static void run(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max != 1) escaped("RLIMIT_CORE is %llu and not 1", (unsigned long long)limit.rlim_max);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 1);
        raise(SIGSEGV);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) unjudged("the child did not crash");
    if (WCOREDUMP(status)) escaped("the kernel handed a core dump on");
    contained("RLIMIT_CORE is 1, and a crash leaves no core dump");
}

ATTACK(.group = "identity", .what = "start the host's core dump handler by a crash", .mode = ALONE, .run = run)
