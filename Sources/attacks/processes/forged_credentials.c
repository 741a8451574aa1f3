#include "attack.h"

#include <sys/uio.h>

// Who receives over a socket trusts the kernel's word on who sent.
static long send_as(pid_t pid, uid_t user) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0) unjudged("socketpair: %s", error_name(errno));
    char byte = 'x';
    struct iovec part = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
    struct ucred credentials = {pid, user, getgid()};
    memcpy(CMSG_DATA(header), &credentials, sizeof credentials);
    long sent = sendmsg(ends[0], &message, 0);
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return sent;
}
static long as_init(void) { return send_as(1, getuid()); }
static long as_root(void) { return send_as(getpid(), 0); }
static long as_neighbour(void) { return send_as(getpid(), getuid() + 1); }

static void run(void) {
    if (send_as(getpid(), getuid()) < 0) unjudged("even its own credentials cannot be sent: %s", error_name(errno));
    static const struct named_call calls[] = {{"PID 1", as_init}, {"root", as_root}, {"another user", as_neighbour}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "processes", .what = "pass for PID 1 or root over a socket", .mode = ALONE, .run = run)
