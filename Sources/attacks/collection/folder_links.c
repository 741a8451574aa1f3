#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    must(symlink("/etc", "out/etc"));
    must(symlink("/", "out/root"));
    must(symlink("..", "out/up"));
    must(symlink("/proc/self/cwd", "out/cwd"));
}

ATTACK(.group = "collection", .what = "have a folder outside collected through a symbolic link", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .never = "root:x", .harmful = 1)
