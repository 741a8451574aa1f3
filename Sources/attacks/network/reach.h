#ifndef REACH_H
#define REACH_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "attack.h"

// Connects to an address, or sends it a packet. A socket that cannot be made, and one that leads nowhere, are contained;
// the attack goes on with the next.
static inline void reach(int type, const char *host, int port, char *said, size_t size) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int is_v6 = strchr(host, ':') != NULL;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1) unjudged("%s is no address", host);
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        snprintf(said, size, "socket answers %s", error_name(errno));
        return;
    }
    // A network that swallows packets must not hold the attack up.
    struct timeval patience = {2, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int connected = is_v6 ? connect(fd, (struct sockaddr *)&v6, sizeof v6) : connect(fd, (struct sockaddr *)&v4, sizeof v4);
    if (connected == 0 && (type == SOCK_STREAM || send(fd, "attack", 6, 0) == 6)) escaped("%s port %d was reached", host, port);
    snprintf(said, size, "connect answers %s", error_name(errno));
    // EINPROGRESS and EAGAIN: it was on its way.
    if (errno == EINPROGRESS || errno == EAGAIN || errno == ETIMEDOUT) escaped("packets to %s went out", host);
    close(fd);
}

#endif
