#include "attack.h"

static void run(void) {
    for (int number = 0;; number++) {
        char path[64];
        snprintf(path, sizeof path, "/box/%d", number);
        int result = number % 3 == 0 ? symlink("/", path) : number % 3 == 1 ? mkdir(path, 0700) : mkfifo(path, 0600);
        if (result < 0) _exit(3);
    }
}

ATTACK(.group = "limits", .what = "make symbolic links, folders and FIFOs without end", .mode = VERDICT, .run = run,
       .expect = "disk_limit", .limits = "inodes=200", .harmful = 1)
