#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    for (int i = 0; i < 60; i++) {
        char name[64];
        snprintf(name, sizeof name, "out/%d", i);
        must(mkdir(name, 0755));
        for (int j = 0; j < 60; j++) {
            snprintf(name, sizeof name, "out/%d/%d", i, j);
            must(mkdir(name, 0755));
        }
    }
}

ATTACK(.group = "collection", .what = "have the collection walk a tree of thousands of empty folders", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
