#include "attack.h"

static void run(void) { syscall(SYS_exit_group, 256); }

ATTACK(.group = "limits", .what = "pass for a good end by an exit code of 256", .mode = VERDICT, .run = run,
       .expect = "ok", .limits = "", .harmful = 1)
