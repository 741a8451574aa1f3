#include "attack.h"

static void run(void) {
    for (volatile long turn = 0; turn < 2000000; turn++) {}
    execl("/proc/self/exe", "attack", "cpu-execve", (char *)NULL);
    _exit(9);
}

ATTACK(.group = "limits", .what = "burn CPU and become another program again and again, for a clock that starts anew", .mode = VERDICT, .run = run,
       .expect = "cpu_time_limit", .limits = "cpu=200", .harmful = 1)
