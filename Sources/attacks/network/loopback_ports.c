#include "reach.h"

static void run(void) {
    char said[128] = "";
    int port = atoi(given("PORT"));
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "127.1.2.3", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        reach(SOCK_STREAM, hosts[i], port, said, sizeof said);
        reach(SOCK_DGRAM, hosts[i], port, said, sizeof said);
    }
    contained("%s", said);
}

ATTACK(.group = "network", .what = "reach a TCP and UDP port of the host on loopback", .mode = ALONE, .run = run)
