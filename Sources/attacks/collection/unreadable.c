#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    tree("secret.txt", "mine");
    must(chmod("out/secret.txt", 0));
    must(mkdir("out/closed", 0755));
    tree("closed/inside.txt", "mine");
    must(chmod("out/closed", 0));
    must(chmod("out", 0));
    must(chmod(".", 0));
}

ATTACK(.group = "collection", .what = "leave files and folders that nobody may open", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .harmful = 1)
