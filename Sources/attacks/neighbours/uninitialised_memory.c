#include "attack.h"

static const char mark[] = "mark-of-the-job-before-it-0123456789";

static void fill(void) {
    size_t size = 48 << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    for (size_t at = 0; at + 64 < size; at += 64) memcpy(block + at, mark, sizeof mark);
    int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || write_all(fd, block, 8 << 20) < 0) unjudged("/tmp/full: %s", error_name(errno));
    contained("it filled 56 MiB with a mark");
}

static void search(const char *where, const char *block, size_t size) {
    const char *found = memmem(block, size, "mark-of-the-job", 15);
    if (found != NULL) escaped("%s still has what the job before it wrote", where);
}

static void look(void) {
    size_t size = 32 << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    search("fresh memory", block, size);
    munmap(block, size);
    int fd = open("/tmp/hole", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 16 << 20) != 0) unjudged("/tmp/hole: %s", error_name(errno));
    block = mmap(NULL, 16 << 20, PROT_READ, MAP_SHARED, fd, 0);
    if (block == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    search("a fresh file in /tmp", block, 16 << 20);
    contained("48 MiB of fresh memory and files hold nothing of it");
}

ATTACK(.group = "neighbours", .what = "find what the job before it wrote in fresh memory and files", .mode = SEQUEL, .run = fill, .second = look,
       .limits = "memory=96M", .harmful = 1)
