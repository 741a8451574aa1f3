#include "attack.h"

static void run(void) {
    struct rlimit limit;
    int count = 3;
    while (count < 100000 && open("/dev/null", O_RDONLY) >= 0) count++;
    if (errno != EMFILE) escaped("%d descriptors are open, then %s", count, error_name(errno));
    if (count > 64) escaped("%d descriptors are open, for a limit of 64", count);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max = 65536;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) escaped("the limit could be raised");
    contained("EMFILE after %d, and raising the limit answers %s", count, error_name(errno));
}

ATTACK(.group = "limits", .what = "open files without end", .mode = ALONE, .run = run, .limits = "files=64", .harmful = 1)
