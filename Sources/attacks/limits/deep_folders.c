#include "attack.h"

// Whoever removes such a tree by recursion runs out of stack or path.
static void run(void) {
    for (int i = 0; i < 1500; i++) {
        if (mkdir("deeper", 0700) < 0 || chdir("deeper") < 0) break;
    }
    chmod(".", 0);
    _exit(0);
}

ATTACK(.group = "limits", .what = "leave a tree of folders too deep to be removed", .mode = VERDICT, .run = run, .expect = "ok",
       .harmful = 1)
