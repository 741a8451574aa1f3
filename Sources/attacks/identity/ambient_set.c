#include "attack.h"

static void run(void) {
    for (unsigned long capability = 0; capability < 41; capability++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) > 0) escaped("capability %lu is ambient", capability);
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0) escaped("capability %lu was raised", capability);
    }
    contained("nothing is ambient and raising answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "carry a capability over execve in the ambient set", .mode = ALONE, .run = run)
