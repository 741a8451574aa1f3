#include "attack.h"

#include "tree.h"

static void run(void) {
    must(symlink("/etc", "out"));
}

ATTACK(.group = "collection", .what = "make the folder that is collected itself a link to /etc", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/** out/passwd", .collected = "", .never = "root:x", .harmful = 1)
