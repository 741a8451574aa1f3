#include "reach.h"

static void run(void) {
    char said[128] = "";
    reach(SOCK_STREAM, "1.1.1.1", 443, said, sizeof said);
    reach(SOCK_DGRAM, "8.8.8.8", 53, said, sizeof said);
    reach(SOCK_STREAM, "10.0.0.1", 80, said, sizeof said);
    reach(SOCK_STREAM, "2606:4700:4700::1111", 443, said, sizeof said);
    reach(SOCK_DGRAM, "255.255.255.255", 9, said, sizeof said);
    reach(SOCK_DGRAM, "224.0.0.251", 5353, said, sizeof said);
    contained("%s", said);
}

ATTACK(.group = "network", .what = "send anything to the Internet, the host's network, a broadcast or multicast address", .mode = ALONE,
       .run = run)
