#include "attack.h"

static void run(void) {
    // The main process makes itself the last that the kernel would choose, as far as it may.
    pid_t child = fork();
    if (child == 0) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY);
        if (fd >= 0) (void)!write(fd, "1000", 4);
        for (;;) mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    }
    waitpid(child, NULL, 0);
    _exit(0);
}

ATTACK(.group = "limits", .what = "have a child die for its memory and report success itself", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=32M", .harmful = 1)
