#include "attack.h"

static void run(void) {
    for (;;) {
        // Long and without any wait.
        void *block = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (block != MAP_FAILED) munmap(block, 16 << 20);
    }
}

ATTACK(.group = "limits", .what = "burn CPU inside the kernel", .mode = VERDICT, .run = run,
       .expect = "cpu_time_limit", .limits = "cpu=200", .harmful = 1)
