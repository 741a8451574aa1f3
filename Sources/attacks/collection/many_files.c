#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    for (int i = 0; i < 3500; i++) {
        char name[64];
        snprintf(name, sizeof name, "file%d", i);
        tree(name, "x");
    }
}

ATTACK(.group = "collection", .what = "have more files collected than an answer can hold", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .harmful = 1)
