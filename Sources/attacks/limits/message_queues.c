#include "attack.h"

#include <mqueue.h>

static int fill(void) {
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    int count = 0;
    for (; count < 256; count++) {
        char name[32];
        snprintf(name, sizeof name, "/queue%d", count);
        if (mq_open(name, O_RDWR | O_CREAT, 0600, &attributes) == (mqd_t)-1) break;
    }
    return count;
}

static void run(void) {
    int count = fill();
    // Those of the job before it in its slot count until the kernel has taken that one's namespace apart, a moment later.
    for (int wait = 0; wait < 300 && count == 0 && errno == EMFILE; wait++) {
        nap(10);
        count = fill();
    }
    if (count == 0) unjudged("mq_open: %s", error_name(errno));
    if (count > 64) escaped("%d queues of 80 KiB", count);
    contained("%s after %d queues", error_name(errno), count);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory with message queues", .mode = ALONE, .run = run, .harmful = 1)
