#include "attack.h"

static void hog(void) {
    int count = 0;
    for (;;) {
        pid_t child = fork();
        if (child == 0) sleep_for_ever();
        if (child < 0) break;
        count++;
    }
    ready_until_released();
    contained("it held %d processes", count);
}

static void fork_some(void) {
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) sleep_for_ever();
        if (child < 0) escaped("the %d. process cannot be made: %s", i + 1, error_name(errno));
    }
    contained("twenty processes can be made beside it");
}

ATTACK(.group = "neighbours", .what = "take all processes away from the job beside it", .mode = PAIR, .run = hog, .second = fork_some,
       .limits = "processes=64", .harmful = 1)
