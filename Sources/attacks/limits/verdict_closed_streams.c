#include "attack.h"

static void run(void) {
    for (int fd = 0; fd < 64; fd++) close(fd);
    _exit(0);
}

ATTACK(.group = "limits", .what = "end well with all streams closed", .mode = VERDICT, .run = run,
       .expect = "ok", .limits = "", .harmful = 1)
