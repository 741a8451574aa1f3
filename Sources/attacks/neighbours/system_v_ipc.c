#include "attack.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x42756c6b };

static void leave(void) {
    int memory = shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0666);
    int messages = msgget(KEY, IPC_CREAT | IPC_EXCL | 0666);
    int semaphores = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0666);
    if (memory < 0 || messages < 0 || semaphores < 0) unjudged("it cannot make its own: %s", error_name(errno));
    struct {
        long type;
        char text[8];
    } message = {1, "hello"};
    if (msgsnd(messages, &message, sizeof message.text, IPC_NOWAIT) < 0) unjudged("msgsnd: %s", error_name(errno));
    ready_until_released();
    struct shmid_ds state;
    if (shmctl(memory, IPC_STAT, &state) < 0 || state.shm_cpid != getpid() || state.shm_lpid != 0) escaped("its memory was attached");
    struct msqid_ds queue;
    if (msgctl(messages, IPC_STAT, &queue) < 0 || queue.msg_qnum != 1) escaped("its message was taken");
    contained("nobody touched what it made");
}

static void look(void) {
    if (shmget(KEY, 0, 0) >= 0) escaped("another job's shared memory is there");
    if (errno != ENOENT) unjudged("shmget: %s", error_name(errno));
    if (msgget(KEY, 0) >= 0) escaped("another job's message queue is there");
    if (semget(KEY, 0, 0) >= 0) escaped("another job's semaphores are there");
    for (int id = 0; id < 64; id++) {
        struct shmid_ds state;
        if (shmctl(id, IPC_STAT, &state) == 0 || shmctl(id, 13 /* SHM_STAT */, &state) >= 0) escaped("shared memory %d is there", id);
    }
    char text[4096];
    static const char *const tables[] = {"/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (read_file(tables[i], text, sizeof text) < 0) continue;
        char *second = strchr(text, '\n');
        if (second != NULL && second[1] != 0) escaped("%s shows: %.60s", tables[i], second + 1);
    }
    contained("ENOENT for shared memory, messages and semaphores");
}

ATTACK(.group = "neighbours", .what = "share System V memory, messages or semaphores with a job beside it", .mode = PAIR, .run = leave, .second = look)
