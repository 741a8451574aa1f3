#include "attack.h"

#include <sys/uio.h>

// A socket lives as long as anybody holds it: a child that outlives the job would meet the next one.
static const char name[] = "bulkhead-left-behind";

static void leave(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4) < 0) unjudged("listen: %s", error_name(errno));
    // And in flight within another socket, where only the kernel's collector finds it.
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0) unjudged("socketpair: %s", error_name(errno));
    char byte = 'x';
    struct iovec part = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(3 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    int sent[3] = {fd, pair[0], pair[1]};
    memcpy(CMSG_DATA(header), sent, sizeof sent);
    if (sendmsg(pair[0], &message, 0) < 0) unjudged("sendmsg: %s", error_name(errno));
    if (fork() == 0) {
        setsid();
        sleep_for_ever();
    }
    contained("it left a listening socket, in a child and in flight");
}

static void look(void) {
    struct sockaddr_un address;
    socklen_t length = abstract_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, length) == 0) escaped("the socket of the job before it was reached");
    if (errno != ECONNREFUSED) unjudged("connect: %s", error_name(errno));
    contained("connect answers ECONNREFUSED");
}

ATTACK(.group = "neighbours", .what = "meet the job before it at a socket that it left behind", .mode = SEQUEL, .run = leave, .second = look)
