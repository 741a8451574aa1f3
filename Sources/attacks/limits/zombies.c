#include "attack.h"

static void run(void) {
    for (;;) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) _exit(3);
    }
}

ATTACK(.group = "limits", .what = "fill the process table with children that it does not wait for", .mode = VERDICT, .run = run,
       .expect = "process_limit", .limits = "processes=16", .harmful = 1)
