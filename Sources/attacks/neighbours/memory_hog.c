#include "attack.h"

static char *fill(size_t bytes) {
    char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    for (size_t at = 0; at < bytes; at += 4096) block[at] = 1;
    return block;
}

static void hog(void) {
    fill(44 << 20);
    ready_until_released();
    contained("it held 44 MiB of its 64");
}

static void use_some(void) {
    fill(40 << 20);
    contained("40 MiB are there beside it");
}

ATTACK(.group = "neighbours", .what = "take the memory of the job beside it", .mode = PAIR, .run = hog, .second = use_some,
       .limits = "memory=64M", .harmful = 1)
