#include "attack.h"

static void run(void) {
    for (int fd = 0; fd < 1024; fd++) {
        int value;
        socklen_t size = sizeof value;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) == 0) escaped("descriptor %d is a socket", fd);
    }
    char text[65536];
    // No socket of anybody else shows in this network: netlink, packet, unix, tcp, udp.
    static const char *const tables[] = {"/proc/net/unix", "/proc/net/tcp", "/proc/net/udp", "/proc/net/tcp6", "/proc/net/raw", "/proc/net/packet"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (read_file(tables[i], text, sizeof text) < 0) continue;
        char *second = strchr(text, '\n');
        if (second != NULL && second[1] != 0) escaped("%s shows a socket: %.60s", tables[i], second + 1);
    }
    contained("no descriptor is a socket, and the tables in /proc/net are empty");
}

ATTACK(.group = "network", .what = "use or see a socket of the service", .mode = ALONE, .run = run)
