#include "attack.h"

static void leave(void) {
    for (int i = 0; i < 8; i++) {
        if (fork() != 0) continue;
        setsid();
        for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
        close(0);
        close(1);
        close(2);
        sleep_for_ever();
    }
    contained("it left eight processes");
}

static void look(void) {
    if (getpid() > 16) escaped("the PID namespace was used before: its own number is %d", getpid());
    for (pid_t pid = 2; pid < 65536; pid++) {
        if (pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH)) escaped("process %d is there", pid);
    }
    contained("its own number is %d, and there is no other", getpid());
}

ATTACK(.group = "neighbours", .what = "leave processes for the next job in its slot", .mode = SEQUEL, .run = leave, .second = look,
       .harmful = 1)
