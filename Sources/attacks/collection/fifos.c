#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    must(mkfifo("out/fifo", 0644));
    must(mkdir("out/more", 0755));
    must(mkfifo("out/more/fifo", 0666));
}

ATTACK(.group = "collection", .what = "make the collection wait for a FIFO", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
