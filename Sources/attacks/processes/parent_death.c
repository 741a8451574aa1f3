#include "attack.h"

// Whatever a job sets there for itself, its children die with the sandbox; see survivors. What it must not do is signal
// somebody else when it dies.
static void run(void) {
    int number = 0;
    if (prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0) < 0) unjudged("PR_GET_PDEATHSIG: %s", error_name(errno));
    // execve of a program that changes no ids keeps it.
    if (number != SIGKILL) escaped("a job whose PID 1 dies would live on: its death signal is %d", number);
    contained("it dies with PID 1: its death signal is SIGKILL");
}

ATTACK(.group = "processes", .what = "outlive PID 1 of its sandbox", .mode = ALONE, .run = run)
