#include "attack.h"

static void run(void) {
    size_t size = 16 << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    if (mlock(block, 4096) < 0) unjudged("not even a page can be locked: %s", error_name(errno));
    if (mlock(block, size) == 0) escaped("16 MiB are locked in memory");
    int error = errno;
    if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) escaped("all of it is locked in memory");
    contained("one page can be locked, 16 MiB answer %s", error_name(error));
}

ATTACK(.group = "limits", .what = "lock memory that the host then cannot move", .mode = ALONE, .run = run)
