// A power cut for one process: loaded into redis-server by LD_PRELOAD, it keeps what is written to an append-only file until
// fdatasync or fsync. SIGKILL alone loses nothing, because the kernel has the bytes by then; here it loses what a power cut
// would, so that `appendfsync` means what it says.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct held {
    int descriptor;
    char *bytes;
    size_t count, room;
} files[16];

// The child that rewrites the file must not inherit a lock that another thread holds.
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) static void prepare(void) { pthread_atfork(before_fork, after_fork, after_fork); }

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static struct held *find(int descriptor) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].bytes && files[i].descriptor == descriptor) return &files[i];
    return NULL;
}

static int opened(const char *path, int descriptor) {
    if (descriptor < 0 || !strstr(path, ".incr.aof")) return descriptor;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i].bytes) continue;
        files[i] = (struct held){descriptor, malloc(1 << 16), 0, 1 << 16};
        if (!files[i].bytes) abort();
        break;
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

static int open_by(const char *name, const char *path, int flags, mode_t mode) {
    return opened(path, ((int (*)(const char *, int, ...))next(name))(path, flags, mode));
}

#define OPEN(function)                                  \
    int function(const char *path, int flags, ...) {    \
        va_list rest;                                   \
        va_start(rest, flags);                          \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                   \
        return open_by(#function, path, flags, mode);   \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = next("write");
    pthread_mutex_lock(&lock);
    struct held *file = find(descriptor);
    if (file) {
        while (file->count + count > file->room) {
            file->room *= 2;
            if (!(file->bytes = realloc(file->bytes, file->room))) abort();
        }
        memcpy(file->bytes + file->count, bytes, count);
        file->count += count;
    }
    pthread_mutex_unlock(&lock);
    return file ? (ssize_t)count : real(descriptor, bytes, count);
}

// Lets the kernel have what was held back. Under the lock: another thread's write waits, as it would for a slow disk.
static void release(struct held *file) {
    ssize_t (*real)(int, const void *, size_t) = next("write");
    for (size_t done = 0; done < file->count;) {
        ssize_t count = real(file->descriptor, file->bytes + done, file->count - done);
        if (count < 0 && errno != EINTR) abort();
        if (count > 0) done += (size_t)count;
    }
    file->count = 0;
}

static int synchronise(const char *name, int descriptor) {
    pthread_mutex_lock(&lock);
    struct held *file = find(descriptor);
    if (file) release(file);
    pthread_mutex_unlock(&lock);
    return ((int (*)(int))next(name))(descriptor);
}

int fdatasync(int descriptor) { return synchronise("fdatasync", descriptor); }
int fsync(int descriptor) { return synchronise("fsync", descriptor); }

int close(int descriptor) {
    pthread_mutex_lock(&lock);
    struct held *file = find(descriptor);
    if (file) {
        release(file);
        free(file->bytes);
        file->bytes = NULL;
    }
    pthread_mutex_unlock(&lock);
    return ((int (*)(int))next("close"))(descriptor);
}
