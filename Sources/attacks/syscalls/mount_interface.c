#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(mount, NOWHERE, NOWHERE, NOWHERE, 0, NOWHERE),
        CALL(umount2, NOWHERE, ~0L),
        CALL(pivot_root, NOWHERE, NOWHERE),
        CALL(chroot, NOWHERE),
        CALL(fsopen, NOWHERE, ~0L),
        CALL(fsconfig, -1, 0, NOWHERE, NOWHERE, 0),
        CALL(fsmount, -1, ~0L, 0),
        CALL(fspick, -1, NOWHERE, 0),
        CALL(move_mount, -1, NOWHERE, -1, NOWHERE, ~0L),
        CALL(open_tree, -1, NOWHERE, 0),
        CALL(open_tree_attr, -1, NOWHERE, 0, 0, 0),
        CALL(mount_setattr, -1, NOWHERE, 0, NOWHERE, 32),
        CALL(statmount, NOWHERE, NOWHERE, 64, 0),
        CALL(listmount, NOWHERE, NOWHERE, 1, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach the kernel's mount code, by the old and the new interface", .mode = ALONE, .run = run)
