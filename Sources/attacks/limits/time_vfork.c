#include "attack.h"

static void run(void) {
    // The parent cannot be interrupted by anything but a fatal signal until its child has ended.
    if (syscall(SYS_vfork) == 0) {
        for (;;) syscall(SYS_pause);
    }
}

ATTACK(.group = "limits", .what = "hang in the kernel, as the parent of a vfork", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
