#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    tree("one", "twice");
    must(link("out/one", "out/two"));
    // A name for what it may not even read cannot be made.
    if (link("/etc/shadow", "out/shadow") == 0 || link("/etc/passwd", "out/passwd") == 0) _exit(9);
}

ATTACK(.group = "collection", .what = "have a file with several names collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
