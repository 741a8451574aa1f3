#include "attack.h"

#include <sys/uio.h>

static long attach(void) { return syscall(SYS_ptrace, 16 /* ATTACH */, 1, 0, 0); }
static long seize(void) { return syscall(SYS_ptrace, 0x4206, 1, 0, 0); }
static char byte;
static struct iovec part = {&byte, 1};
static long read_memory(void) { return process_vm_readv(1, &part, 1, &part, 1, 0); }
static long write_memory(void) { return process_vm_writev(1, &part, 1, &part, 1, 0); }
static long open_memory(void) { return open("/proc/1/mem", O_RDWR); }
static long take_descriptor(void) {
    long handle = syscall(SYS_pidfd_open, 1, 0);
    return handle < 0 ? -1 : syscall(SYS_pidfd_getfd, handle, 0, 0);
}
static long robust_list(void) {
    void *head;
    size_t size;
    return syscall(SYS_get_robust_list, 1, &head, &size);
}
static long limits(void) {
    struct rlimit limit;
    return prlimit(1, RLIMIT_NOFILE, NULL, &limit);
}

static void run(void) {
    static const struct named_call calls[] = {{"PTRACE_ATTACH", attach},        {"PTRACE_SEIZE", seize},
                                              {"process_vm_readv", read_memory}, {"process_vm_writev", write_memory},
                                              {"/proc/1/mem", open_memory},      {"pidfd_getfd", take_descriptor},
                                              {"get_robust_list", robust_list},  {"prlimit", limits}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "processes", .what = "trace PID 1, read its memory or take its descriptors", .mode = ALONE, .run = run)
