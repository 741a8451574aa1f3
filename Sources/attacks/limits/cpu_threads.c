#include "attack.h"

#include <pthread.h>

static void *spin(void *unused) {
    for (volatile long turn = 0;; turn++) {}
    return unused;
}

static void run(void) {
    pthread_t thread;
    for (int i = 0; i < 8; i++) pthread_create(&thread, NULL, spin, NULL);
    spin(NULL);
}

ATTACK(.group = "limits", .what = "burn CPU in threads, each with a little", .mode = VERDICT, .run = run,
       .expect = "cpu_time_limit", .limits = "cpu=200", .harmful = 1)
