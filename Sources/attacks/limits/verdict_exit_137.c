#include "attack.h"

static void run(void) { _exit(137); }

ATTACK(.group = "limits", .what = "pass for a killed program by the exit code that shells give it", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 137", .limits = "", .harmful = 1)
