#include "attack.h"

#include <pthread.h>

static void *wait_there(void *unused) {
    sleep_for_ever();
    return unused;
}

static void run(void) {
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    while (pthread_create(&thread, &small, wait_there, NULL) == 0) {}
    _exit(3);
}

ATTACK(.group = "limits", .what = "make threads without end", .mode = VERDICT, .run = run,
       .expect = "process_limit", .limits = "processes=16", .harmful = 1)
