#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    for (int i = 0; i < 3500; i++) {
        char name[300];
        snprintf(name, sizeof name, "out/%0240d", i);
        must(symlink("/", name));
    }
}

ATTACK(.group = "collection", .what = "have a list of what was left out that no message can hold", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
