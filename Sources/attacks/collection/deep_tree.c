#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    must(chdir("out"));
    for (int i = 0; i < 1500; i++) {
        must(mkdir("d", 0755));
        must(chdir("d"));
    }
    must(open("bottom.txt", O_WRONLY | O_CREAT, 0644));
}

ATTACK(.group = "collection", .what = "exhaust the stack or the path length of who collects", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
