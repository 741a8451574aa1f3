#include "attack.h"

static void run(void) {
    for (;;) fork();
}

ATTACK(.group = "limits", .what = "fork without end", .mode = VERDICT, .run = run,
       .expect = "process_limit", .limits = "processes=16 cpu=300", .harmful = 1)
