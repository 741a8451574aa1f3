#include "attack.h"

// Were init not to reap, a job could fill its own sandbox with the dead.
static void run(void) {
    for (int turn = 0; turn < 150; turn++) {
        pid_t child = fork();
        if (child < 0) escaped("after %d orphans fork answers %s: nobody reaps them", turn, error_name(errno));
        if (child == 0) {
            pid_t orphan = fork();
            if (orphan < 0) _exit(1);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        if (status != 0) escaped("after %d orphans no process can be made: nobody reaps them", turn);
        // Init needs its turn of the one CPU.
        if (turn % 20 == 19) nap(5);
    }
    contained("150 orphans were reaped within a limit of 32 processes");
}

ATTACK(.group = "processes", .what = "fill the sandbox with dead processes that nobody reaps", .mode = ALONE, .run = run,
       .limits = "processes=32", .harmful = 1)
