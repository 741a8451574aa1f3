#include "attack.h"

static void run(void) { _exit(124); }

ATTACK(.group = "limits", .what = "pass for a program that ran out of time by the exit code of timeout(1)", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 124", .limits = "", .harmful = 1)
