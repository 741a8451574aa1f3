#include "attack.h"

static void run(void) {
    for (int i = 0; i < 16; i++) {
        if (fork() == 0) break;
    }
    for (;;) syscall(SYS_ptrace, 0, 0, 0, 0);
}

ATTACK(.group = "limits", .what = "keep the supervisor busy with refused calls of many processes at once", .mode = VERDICT, .run = run,
       .expect = "signaled SIGSYS", .harmful = 1)
