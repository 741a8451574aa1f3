#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "out/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(fd, (struct sockaddr *)&address, sizeof address));
    must(listen(fd, 1));
}

ATTACK(.group = "collection", .what = "have a socket collected", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .collected = "out/good.txt", .harmful = 1)
