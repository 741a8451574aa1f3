#include "attack.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static void run(void) {
    const char *key = given_or_null("SHM_KEY"), *name = given_or_null("QUEUE");
    if (key == NULL && name == NULL) contained("the host has neither");
    if (key != NULL) {
        int id = shmget(atoi(key), 0, 0);
        if (id >= 0) {
            char *memory = shmat(id, NULL, 0);
            escaped("the host's shared memory was found%s", memory == (void *)-1 ? "" : " and attached");
        }
        if (errno != ENOENT) unjudged("shmget: %s", error_name(errno));
    }
    if (name != NULL) {
        mqd_t queue = mq_open(name, O_RDWR | O_NONBLOCK);
        if (queue != (mqd_t)-1) escaped("the host's message queue was opened");
        if (errno != ENOENT) unjudged("mq_open: %s", error_name(errno));
    }
    contained("ENOENT for the host's shared memory and message queue");
}

ATTACK(.group = "neighbours", .what = "use the host's System V memory and POSIX message queue", .mode = ALONE, .run = run)
