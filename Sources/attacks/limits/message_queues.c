#include "attack.h"

#include <mqueue.h>

static void run(void) {
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    int count = 0;
    for (; count < 256; count++) {
        char name[32];
        snprintf(name, sizeof name, "/queue%d", count);
        if (mq_open(name, O_RDWR | O_CREAT, 0600, &attributes) == (mqd_t)-1) break;
    }
    if (count == 0) unjudged("mq_open: %s", error_name(errno));
    if (count > 64) escaped("%d queues of 80 KiB", count);
    contained("%s after %d queues", error_name(errno), count);
}

ATTACK(.group = "limits", .what = "fill the kernel's memory with message queues", .mode = ALONE, .run = run, .harmful = 1)
