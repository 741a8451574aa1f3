#include "attack.h"

static void run(void) {
    if (strcmp(status_field("Seccomp"), "2") != 0) escaped("Seccomp is %s: no filter is loaded", status_field("Seccomp"));
    // execve keeps it: the child of a child is asked too.
    int ends[2];
    if (pipe(ends) < 0) unjudged("pipe: %s", error_name(errno));
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execl("/bin/grep", "grep", "-c", "^Seccomp:[[:space:]]2$", "/proc/self/status", (char *)NULL);
        execl("/usr/bin/grep", "grep", "-c", "^Seccomp:[[:space:]]2$", "/proc/self/status", (char *)NULL);
        _exit(127);
    }
    char answer = 0;
    if (child < 0 || read(ends[0], &answer, 1) != 1) unjudged("grep did not answer: %s", error_name(errno));
    if (answer != '1') escaped("a program that it executes has no filter");
    contained("the filter is in force here and in what it executes");
}

ATTACK(.group = "identity", .what = "run without a filter, itself or by executing something", .mode = ALONE, .run = run)
