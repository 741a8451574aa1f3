#include "attack.h"

// Children that have left the session, ignore what they can, and have no parent but init.
static void run(void) {
    for (int i = 0; i < 8; i++) {
        pid_t child = fork();
        if (child != 0) continue;
        setsid();
        for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (fork() > 0) _exit(0);
        close(0);
        close(1);
        close(2);
        if (i % 2 == 0) {
            for (volatile long turn = 0;; turn++) {}
        }
        sleep_for_ever();
    }
    while (waitpid(-1, NULL, 0) > 0) {}
}

ATTACK(.group = "processes", .what = "leave processes running after its own end", .mode = VERDICT, .run = run, .expect = "ok",
       .harmful = 1)
