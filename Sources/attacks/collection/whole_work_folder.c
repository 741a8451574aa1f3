#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    must(symlink("/box", "out/box"));
    must(symlink("/tmp", "out/tmp"));
    int fd = open("/tmp/outside.txt", O_WRONLY | O_CREAT, 0644);
    must(fd);
}

ATTACK(.group = "collection", .what = "have its own program, the work folder and what is above collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .harmful = 1)
