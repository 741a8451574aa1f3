#include "attack.h"

static void run(void) {
    static char block[40000];
    memset(block, 120, sizeof block);
    write_all(1, block, sizeof block);
    write_all(2, block, sizeof block);
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "write to both streams in turn, each within the limit", .mode = VERDICT, .run = run,
       .expect = "output_limit", .limits = "output=64K", .harmful = 1)
