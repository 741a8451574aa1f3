#include "reach.h"

static void run(void) {
    char said[128] = "";
    reach(SOCK_STREAM, "169.254.169.254", 80, said, sizeof said);
    reach(SOCK_DGRAM, "169.254.169.254", 53, said, sizeof said);
    reach(SOCK_STREAM, "fd00:ec2::254", 80, said, sizeof said);
    reach(SOCK_STREAM, "100.100.100.200", 80, said, sizeof said);
    reach(SOCK_STREAM, "169.254.170.2", 80, said, sizeof said);
    contained("%s", said);
}

ATTACK(.group = "network", .what = "ask the cloud's metadata service, 169.254.169.254, for credentials", .mode = ALONE, .run = run)
