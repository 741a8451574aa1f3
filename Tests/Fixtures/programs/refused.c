// Asks for what compiled.json does not give; prints the errno of each answer, 0 where it was given.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void say(const char *name, long result) { printf("%s %d\n", name, result < 0 ? errno : 0); }

int main(void) {
    char space[256] = {0};
    int pipes[2], other[2];
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    if (pipe(pipes) || pipe(other)) return 1;
    say("msgget", msgget(IPC_PRIVATE, 0600));
    say("shmget", shmget(IPC_PRIVATE, 4096, 0600));
    say("memfd_create", memfd_create("x", 0));
    close(open("/tmp/file", O_CREAT | O_WRONLY, 0600));
    say("setxattr", setxattr("/tmp/file", "user.x", "1", 1, 0));
    say("setuid", setuid(1000));
    say("tee", tee(pipes[0], other[1], 1, SPLICE_F_NONBLOCK));
    say("timer_create", timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer));
    say("personality", personality(0xffffffff));
    say("AF_INET", socket(AF_INET, SOCK_STREAM, 0));
    say("unshare", unshare(CLONE_NEWUSER));
    say("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    say("io_uring_setup", syscall(SYS_io_uring_setup, 1, space));
    say("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    return 0;
}
