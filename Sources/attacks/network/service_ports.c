#include "reach.h"

static void run(void) {
    char said[128] = "";
    static const int ports[] = {3000, 6379, 22, 2375, 8080};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) reach(SOCK_STREAM, "127.0.0.1", ports[i], said, sizeof said);
    contained("%s", said);
}

ATTACK(.group = "network", .what = "reach the service itself, its Redis or the host's ssh and docker", .mode = ALONE, .run = run)
