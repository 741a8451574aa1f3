#include "attack.h"

static void run(void) {
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) escaped("no_new_privs is not set: set-id programs would count");
    if (prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0) escaped("no_new_privs could be cleared");
    contained("no_new_privs is set, and clearing it answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "let set-id programs give it privileges", .mode = ALONE, .run = run)
