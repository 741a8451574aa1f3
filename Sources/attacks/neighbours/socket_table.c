#include "attack.h"

static void bind_name(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, "marker-of-another-job");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0) unjudged("bind: %s", error_name(errno));
    char text[65536];
    if (read_file("/proc/net/unix", text, sizeof text) < 0 || strstr(text, "marker-of-another-job") == NULL) unjudged("its own socket does not show in /proc/net/unix");
    ready_until_released();
    contained("it showed its name to itself");
}

static void look(void) {
    char text[65536];
    if (read_file("/proc/net/unix", text, sizeof text) < 0) unjudged("/proc/net/unix: %s", error_name(errno));
    if (strstr(text, "marker-of-another-job") != NULL) escaped("/proc/net/unix shows another job's socket");
    contained("/proc/net/unix shows nothing of another job's");
}

ATTACK(.group = "neighbours", .what = "read names of another job's sockets in /proc/net/unix", .mode = PAIR, .run = bind_name, .second = look)
