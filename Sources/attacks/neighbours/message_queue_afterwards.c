#include "attack.h"

#include <mqueue.h>

static const char name[] = "/bulkhead-meeting-point";

static void leave(void) {
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0666, &attributes);
    if (queue == (mqd_t)-1 || mq_send(queue, "hello", 5, 0) < 0) unjudged("mq_open: %s", error_name(errno));
    memo("left");
    if (mq_getattr(queue, &attributes) < 0 || attributes.mq_curmsgs != 1) escaped("its message was taken");
    contained("its message is still there");
}

static void look(void) {
    if (mq_open(name, O_RDWR) != (mqd_t)-1) escaped("another job's queue is there");
    if (errno != ENOENT) unjudged("mq_open: %s", error_name(errno));
    contained("mq_open answers ENOENT");
}

ATTACK(.group = "neighbours", .what = "pass a message in a POSIX queue to the job after it", .mode = SEQUEL, .run = leave, .second = look)
