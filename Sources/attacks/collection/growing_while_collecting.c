#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    for (int i = 0; i < 4; i++) {
        if (fork() != 0) continue;
        setsid();
        int fd = open("out/growing", O_WRONLY | O_CREAT | O_APPEND, 0644);
        static char block[4096];
        for (;;) {
            if (write(fd, block, sizeof block) < 0 && ftruncate(fd, 0) < 0) _exit(9);
        }
    }
    nap(20);
}

ATTACK(.group = "collection", .what = "have a file grow while it is collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .harmful = 1)
