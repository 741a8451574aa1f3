#include "attack.h"

#include <pthread.h>

static void *go_on(void *unused) {
    sleep_for_ever();
    return unused;
}

static void run(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, go_on, NULL) != 0) _exit(9);
    syscall(SYS_exit, 0);
}

ATTACK(.group = "limits", .what = "end its main thread and go on in another", .mode = VERDICT, .run = run,
       .expect = "wall_time_limit", .limits = "wall=200", .harmful = 1)
