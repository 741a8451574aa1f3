#include "attack.h"

static void run(void) {
    for (int i = 0; i < 16; i++) {
        if (fork() != 0) continue;
        mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        sleep_for_ever();
    }
    sleep_for_ever();
}

ATTACK(.group = "limits", .what = "fill memory in children, each with less than the limit", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=32M", .harmful = 1)
