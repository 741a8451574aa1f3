#include "attack.h"

// Each refusal is answered and counted outside; were that without end, the supervisors of other jobs would wait.
static void run(void) {
    for (;;) unshare(CLONE_NEWNS);
}

ATTACK(.group = "limits", .what = "keep the supervisor busy with calls that are refused", .mode = VERDICT, .run = run,
       .expect = "signaled SIGSYS", .harmful = 1)
