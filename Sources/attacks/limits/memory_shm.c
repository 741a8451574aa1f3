#include "attack.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static void run(void) {
    for (;;) {
        int id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
        char *block = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
        if (block == (void *)-1) _exit(9);
        memset(block, 1, 1 << 20);
        shmdt(block);
    }
}

ATTACK(.group = "limits", .what = "fill memory through System V segments that nobody has attached", .mode = VERDICT, .run = run,
       .expect = "memory_limit", .limits = "memory=32M", .harmful = 1)
