#include "attack.h"

static void run(void) {
    int known = 0;
    for (int capability = 0; capability < 64; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held > 0) escaped("capability %d is in the bounding set: a set-id program could give it", capability);
        if (held == 0) known++;
    }
    // The kernel knows at least those of Linux 5.9.
    if (known < 41) unjudged("only %d capabilities could be asked for: %s", known, error_name(errno));
    contained("none of the kernel's %d capabilities is in the bounding set", known);
}

ATTACK(.group = "identity", .what = "gain a capability by execve, within the bounding set", .mode = ALONE, .run = run)
