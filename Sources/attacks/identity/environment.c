#include "attack.h"

extern char **environ;

static void run(void) {
    static const char *const expected[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"};
    int count = 0;
    for (char **variable = environ; *variable != NULL; variable++, count++) {
        size_t length = strcspn(*variable, "=");
        int known = strncmp(*variable, "ATTACK_", 7) == 0;
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            known |= strlen(expected[i]) == length && strncmp(*variable, expected[i], length) == 0;
        }
        if (!known) escaped("%.*s is in its environment", (int)length, *variable);
    }
    contained("its %d variables are the fixed ones and the request's own", count);
}

ATTACK(.group = "identity", .what = "read the service's environment in its own", .mode = ALONE, .run = run)
