#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    must(symlink("/etc/passwd", "out/passwd"));
    must(symlink("../../../../../../etc/passwd", "out/relative"));
    must(symlink(given("FILE"), "out/host"));
    must(symlink("/proc/self/environ", "out/environ"));
    must(symlink("/proc/1/root/etc/shadow", "out/shadow"));
    must(symlink("/dev/zero", "out/zero"));
    must(symlink("good.txt", "out/near"));
    must(symlink("loop", "out/loop"));
}

ATTACK(.group = "collection", .what = "have a file of the host or the image collected through symbolic links", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .never = "root:x|canary", .harmful = 1)
