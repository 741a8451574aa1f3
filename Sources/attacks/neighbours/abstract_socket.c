#include "attack.h"

static const char name[] = "bulkhead-meeting-point";

static void wait_there(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4) < 0) unjudged("listen: %s", error_name(errno));
    ready_until_released();
    if (accept(fd, NULL, NULL) >= 0) escaped("another job connected");
    contained("nobody connected");
}

static void come(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, length) == 0) escaped("another job's abstract socket was reached");
    if (errno != ECONNREFUSED) unjudged("connect: %s", error_name(errno));
    // One that it makes itself under that name can be reached: the name is free here.
    int own = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(own, (struct sockaddr *)&address, length) < 0 || listen(own, 1) < 0) escaped("the name is taken: %s", error_name(errno));
    if (connect(fd, (struct sockaddr *)&address, length) < 0) unjudged("its own cannot be reached: %s", error_name(errno));
    contained("ECONNREFUSED, and the name is free");
}

ATTACK(.group = "neighbours", .what = "meet another job at an abstract socket", .mode = PAIR, .run = wait_there, .second = come)
