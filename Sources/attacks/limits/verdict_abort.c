#include "attack.h"

static void run(void) { abort(); }

ATTACK(.group = "limits", .what = "end by SIGABRT, which a PID 1 could not", .mode = VERDICT, .run = run,
       .expect = "signaled SIGABRT", .limits = "", .harmful = 1)
