#include "attack.h"

#include <linux/if_alg.h>

// CVE-2026-31431: AF_ALG and splice wrote to the page cache of any readable file, so of the image that all jobs share.
static void run(void) {
    int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
    if (fd >= 0) {
        struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
        int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
        escaped("an AF_ALG socket is open, and bind answers %s", bound == 0 ? "success" : error_name(errno));
    }
    int error = errno, pair[2];
    if (socketpair(AF_ALG, SOCK_SEQPACKET, 0, pair) == 0) escaped("an AF_ALG pair is open");
    contained("socket(AF_ALG) answers %s", error_name(error));
}

ATTACK(.group = "syscalls", .what = "write to the shared page cache through AF_ALG (CVE-2026-31431)", .mode = ALONE, .run = run)
