#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    tree("swap", "mine");
    must(symlink("/etc/passwd", "out/link"));
    for (int i = 0; i < 4; i++) {
        if (fork() != 0) continue;
        setsid();
        for (;;) syscall(SYS_renameat2, AT_FDCWD, "out/swap", AT_FDCWD, "out/link", 2 /* EXCHANGE */);
    }
    nap(20);
}

ATTACK(.group = "collection", .what = "exchange a file for a link to the image while it is collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .never = "root:x", .harmful = 1)
