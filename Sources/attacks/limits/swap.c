#include "attack.h"

// Memory that has gone to the disk is not counted as memory: a limit that swap is outside of is none.
static void run(void) {
    size_t size = 60 << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    for (size_t at = 0; at < size; at += 4096) block[at] = 1;
    // MADV_PAGEOUT: out at once, where there is somewhere to go.
    madvise(block, size, 21);
    const char *swapped = status_field("VmSwap");
    if (strtol(swapped, NULL, 10) > 0) escaped("%s of it went to the swap", swapped);
    contained("60 MiB, asked to be paged out, stay in memory");
}

ATTACK(.group = "limits", .what = "move its memory into the host's swap", .mode = ALONE, .run = run, .limits = "memory=80M", .harmful = 1)
