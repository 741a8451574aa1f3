#include "attack.h"

static void live(void) {
    for (int i = 0; i < 8; i++) {
        if (fork() == 0) sleep_for_ever();
    }
    ready_until_released();
    kill(-1, SIGKILL);
    contained("its processes lived until it ended them");
}

static void look(void) {
    for (pid_t pid = 2; pid < 65536; pid++) {
        if (pid != getpid() && (kill(pid, SIGKILL) == 0 || errno != ESRCH)) escaped("process %d of another job is there: %s", pid, error_name(errno));
    }
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && atoi(entry->d_name) != getpid()) escaped("/proc shows process %s", entry->d_name);
    }
    contained("ESRCH for every number, and /proc shows its own process alone");
}

ATTACK(.group = "neighbours", .what = "see or kill the processes of a job beside it", .mode = PAIR, .run = live, .second = look,
       .harmful = 1)
