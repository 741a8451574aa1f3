#include "reach.h"

static long tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    // A port of its own network is nobody else's; one that cannot be reached is as good as none.
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0) return -1;
    char text[64];
    if (read_file("/proc/net/if_inet6", text, sizeof text) > 0) return 0;
    errno = ENETDOWN;
    return -1;
}

static void run(void) {
    static const struct named_call calls[] = {{"listen", tcp}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "network", .what = "listen on a port that somebody else can reach", .mode = ALONE, .run = run)
