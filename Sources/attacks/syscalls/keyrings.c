#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(add_key, NOWHERE, NOWHERE, 0, 0, -3),
        CALL(request_key, NOWHERE, NOWHERE, 0, -3),
        CALL(keyctl, 0 /* GET_KEYRING_ID */, -3, 1),
        CALL(keyctl, 1 /* JOIN_SESSION_KEYRING */, NOWHERE),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "store or read a key in a keyring, which no namespace separates", .mode = ALONE, .run = run)
