#include "attack.h"

static void run(void) {
    char *block = mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) _exit(9);
    for (size_t at = 0; at < 256 << 20; at += 4096) block[at] = 1;
    _exit(9);
}

ATTACK(.group = "limits", .what = "fill memory through a shared mapping without a file", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=32M", .harmful = 1)
