#include "attack.h"

// Makes an orphan that is dead at once. Answers -1 where a fork fails.
static int orphan(void) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        pid_t orphan = fork();
        _exit(orphan < 0);
    }
    int status;
    waitpid(child, &status, 0);
    return status == 0 ? 0 : -1;
}

// Were init not to reap, a job could fill its own sandbox with the dead.
static void run(void) {
    for (int made = 0, patience = 0; made < 150;) {
        if (orphan() == 0) {
            made++;
        } else if (patience++ < 1000) {
            // Init needs its turn of the CPU, which others may want as well.
            nap(5);
        } else {
            escaped("after %d orphans no process can be made: nobody reaps them", made);
        }
    }
    contained("150 orphans were reaped within a limit of 32 processes");
}

ATTACK(.group = "processes", .what = "fill the sandbox with dead processes that nobody reaps", .mode = ALONE, .run = run,
       .limits = "processes=32", .harmful = 1)
