#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    for (int i = 0; i < 16; i++) {
        char name[64];
        snprintf(name, sizeof name, "out/sparse%d", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0644);
        must(fd);
        must(ftruncate(fd, 60 << 20));
        close(fd);
    }
}

ATTACK(.group = "collection", .what = "have gigabytes of holes collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .limits = "file=64M", .harmful = 1)
