#include "attack.h"

#include <sys/uio.h>

static void run(void) {
    for (int turn = 0; turn < 20; turn++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0) _exit(9);
        for (int end = 0; end < 2; end++) {
            char byte = 120;
            struct iovec part = {&byte, 1};
            union {
                char bytes[CMSG_SPACE(4 * sizeof(int))];
                struct cmsghdr align;
            } control = {{0}};
            struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
            struct cmsghdr *header = CMSG_FIRSTHDR(&message);
            *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(4 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
            int sent[4] = {pair[0], pair[1], 1, 2};
            memcpy(CMSG_DATA(header), sent, sizeof sent);
            if (sendmsg(pair[end], &message, 0) < 0) _exit(9);
        }
        close(pair[0]);
        close(pair[1]);
    }
    _exit(3);
}

ATTACK(.group = "limits", .what = "keep its output pipes open in sockets that nobody has, so that their end never comes", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 3", .limits = "", .harmful = 1)
