#include "attack.h"

// Half a CPU, however many processes ask for it.
static void run(void) {
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) break;
    }
    for (volatile long turn = 0;; turn++) {}
}

ATTACK(.group = "limits", .what = "use more than its half of a CPU, in four processes", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=800 cpu=20000 cpus=0.5", .cpu_percent = 75, .harmful = 1)
