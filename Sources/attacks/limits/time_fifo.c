#include "attack.h"

static void run(void) {
    mkfifo("/tmp/fifo", 0600);
    open("/tmp/fifo", O_RDONLY);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "wait for a FIFO that nobody opens", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
