#include "attack.h"

static void run(void) {
    for (int number = 0;;) {
        pid_t child = fork();
        if (child == 0) {
            for (volatile long turn = 0; turn < 3000000; turn++) {}
            _exit(0);
        }
        // Never more than two at once: this is no fork bomb.
        if (number++ > 0) waitpid(-1, NULL, 0);
    }
}

ATTACK(.group = "limits", .what = "burn CPU in children that each live for a moment, so that no one of them has used much", .mode = VERDICT, .run = run,
       .expect = "cpu_time_limit", .limits = "cpu=200", .harmful = 1)
