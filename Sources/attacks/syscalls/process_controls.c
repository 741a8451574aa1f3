#include "attack.h"

static long trace_me(void) { return syscall(SYS_ptrace, 0 /* TRACEME */, 0, 0, 0); }
static long let_trace(void) { return prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); }
static long own_memory(void) {
    char from = 'x', to = 0;
    struct {
        void *base;
        size_t length;
    } local = {&to, 1}, remote = {&from, 1};
    return syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0);
}
static long own_descriptor(void) {
    long handle = syscall(SYS_pidfd_open, getpid(), 0);
    if (handle < 0) return -1;
    return syscall(SYS_pidfd_getfd, handle, 0, 0);
}
static long compare_self(void) { return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0); }

// Each of these works for any process on a host without a filter (PR_SET_PTRACER needs Yama, kcmp its option).
static void run(void) {
    static const struct named_call calls[] = {{"PTRACE_TRACEME", trace_me},
                                              {"PR_SET_PTRACER", let_trace},
                                              {"process_vm_readv", own_memory},
                                              {"pidfd_getfd", own_descriptor},
                                              {"kcmp", compare_self}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "syscalls", .what = "trace a process of its own, where no right is needed", .mode = ALONE, .run = run)
