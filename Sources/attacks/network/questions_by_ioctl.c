#include "attack.h"

#include <net/if.h>

// An AF_UNIX socket takes the requests of the network devices too (CVE-2017-5226 shows how ioctls are forgotten).
static void run(void) {
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) unjudged("socket(AF_UNIX): %s", error_name(errno));
    struct ifreq list[8];
    struct ifconf request = {.ifc_len = sizeof list, .ifc_req = list};
    if (ioctl(fd, 0x8912 /* SIOCGIFCONF */, &request) == 0) escaped("SIOCGIFCONF lists %d addresses", request.ifc_len / (int)sizeof *list);
    struct ifreq up = {.ifr_name = "lo"};
    up.ifr_flags = IFF_UP;
    if (ioctl(fd, 0x8914 /* SIOCSIFFLAGS */, &up) == 0) escaped("lo was set up");
    if (ioctl(fd, 0x8913 /* SIOCGIFFLAGS */, &up) == 0) escaped("SIOCGIFFLAGS answers");
    contained("SIOCGIFCONF, SIOCGIFFLAGS and SIOCSIFFLAGS answer %s", error_name(errno));
}

ATTACK(.group = "network", .what = "ask for or set up interfaces by ioctl on an AF_UNIX socket", .mode = ALONE, .run = run)
