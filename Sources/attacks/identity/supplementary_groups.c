#include "attack.h"

static void run(void) {
    gid_t wanted[] = {0, 42};
    int count = getgroups(0, NULL);
    if (count != 0) escaped("the job has %d supplementary groups", count);
    if (syscall(SYS_setgroups, 2, wanted) == 0) escaped("setgroups gave it group 0");
    contained("it has none, and setgroups answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "use or gain supplementary groups, such as shadow or docker", .mode = ALONE, .run = run)
