// Processes that begin in the memory of their parent, as those of posix_spawn(3) do: a copy of that memory would be made for
// little, and taken apart again when they execute something.
#define _GNU_SOURCE
#include "include/CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// A child in the caller's memory, on a stack of its own, while the caller is stopped (CLONE_VFORK): 0 never comes back. What
// the child runs must leave the memory as it would in the caller.
__attribute__((naked)) static long clone_shared(
    __attribute__((unused)) void *arguments, __attribute__((unused)) size_t size,
    __attribute__((unused)) int (*run)(void *), __attribute__((unused)) void *context) {
    __asm__("movq %rcx, %r8\n\t"
            "movl $435, %eax\n\t"  // clone3
            "syscall\n\t"
            "testq %rax, %rax\n\t"
            "jnz 1f\n\t"
            "xorl %ebp, %ebp\n\t"
            "movq %r8, %rdi\n\t"
            "callq *%rdx\n\t"
            "movl %eax, %edi\n\t"
            "movl $231, %eax\n\t"  // exit_group
            "syscall\n\t"
            "hlt\n"
            "1:\tretq");
}

static int run_birth(void *raw) {
    const struct bk_birth *birth = raw;
    int64_t result = birth->work(birth->context);
    if (result < 0) return 120;
    char number[24], *first = number + sizeof number - 1;
    *first = 0;
    do *--first = (char)('0' + result % 10);
    while ((result /= 10) > 0);
    char *const arguments[] = {(char *)birth->name, first, NULL}, *const environment[] = {NULL};
    syscall(SYS_execveat, birth->stub, "", arguments, environment, AT_EMPTY_PATH);
    birth->failed(birth->context, errno);
    return 120;
}

int64_t bk_clone3_shared(
    uint64_t flags, int32_t cgroup_fd, int32_t *pidfd, void *stack, uint64_t stack_size, const struct bk_birth *birth) {
    struct clone_args args = {
        .flags = flags | CLONE_VM | CLONE_VFORK,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = stack_size,
    };
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    if (pidfd != NULL) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)pidfd;
    }
    return clone_shared(&args, sizeof args, run_birth, (void *)birth);
}

void *bk_make_stack(uint64_t size) {
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return NULL;
    // What grows beyond it faults, and touches nothing of the others in this memory.
    if (mprotect(stack, 4096, PROT_NONE) == 0) return stack;
    munmap(stack, size);
    return NULL;
}
