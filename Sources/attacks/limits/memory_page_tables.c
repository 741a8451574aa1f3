#include "attack.h"

static void run(void) {
    // A read maps the one page of zeros, which is not counted, through tables of its own, which are.
    for (;;) {
        volatile char *space = mmap(NULL, 16UL << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (space == MAP_FAILED) _exit(9);
        madvise((void *)space, 16UL << 30, MADV_NOHUGEPAGE);
        for (size_t at = 0; at < 16UL << 30; at += 2 << 20) (void)space[at];
    }
}

ATTACK(.group = "limits", .what = "fill the kernel's memory with page tables", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=16M", .harmful = 1)
