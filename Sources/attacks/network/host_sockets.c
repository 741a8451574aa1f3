#include "attack.h"

static int try_connect(const struct sockaddr_un *address, socklen_t length) {
    int found = -1;
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        int fd = socket(AF_UNIX, types[i], 0);
        if (fd < 0) unjudged("socket(AF_UNIX): %s", error_name(errno));
        if (connect(fd, (const struct sockaddr *)address, length) == 0) found = 0;
        int error = errno;
        close(fd);
        errno = error;
        // There is something, only of another type.
        if (found == 0 || error == EPROTOTYPE) return 0;
    }
    return -1;
}

static void run(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, given("SOCKET"));
    if (try_connect(&address, length) == 0) escaped("an abstract socket of the host was reached");
    if (errno != ECONNREFUSED) unjudged("connect: %s", error_name(errno));
    static const char *const names[] = {"/tmp/.X11-unix/X0", "/tmp/dbus", "/org/freedesktop/systemd1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        length = abstract_address(&address, names[i]);
        if (try_connect(&address, length) == 0) escaped("@%s was reached", names[i]);
    }
    static const char *const paths[] = {"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private", "/run/systemd/journal/socket",
                                        "/run/dbus/system_bus_socket", "/dev/log", "/run/redis/redis.sock", "/tmp/redis.sock", "/run/bulkhead/socket"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        address = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", paths[i]);
        if (try_connect(&address, sizeof address) == 0) escaped("%s was reached", paths[i]);
    }
    contained("the abstract one answers ECONNREFUSED, and no path leads to another");
}

ATTACK(.group = "network", .what = "reach the host's abstract sockets, or docker, dbus and the journal by path", .mode = ALONE, .run = run)
