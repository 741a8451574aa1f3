// libseccomp, and what Swift cannot reach by itself. No policy here.
#ifndef BULKHEAD_CSECCOMP_SHIM_H
#define BULKHEAD_CSECCOMP_SHIM_H

#include <errno.h>
#include <seccomp.h>
#include <sys/syscall.h>

// syscall(2) is declared here because <unistd.h> hides it without _GNU_SOURCE.
extern long syscall(long number, ...);

// memfd_create(2): the Glibc module does not declare it. libseccomp 2.5 exports a filter only to a descriptor.
// Returns the descriptor, or -errno. Flag 1 is MFD_CLOEXEC.
static inline int bulkhead_seccomp_memfd(const char *name) {
    long descriptor = syscall(SYS_memfd_create, name, 1u);
    return descriptor < 0 ? -errno : (int)descriptor;
}

// SCMP_ARCH_X86_64 is a macro over another header's expression, which is not imported.
static inline uint32_t bulkhead_scmp_arch_x86_64(void) {
    return SCMP_ARCH_X86_64;
}

// strerrorname_np(3), in glibc since 2.32: the name of an errno, such as "EPERM"; NULL for a number without one.
// <string.h> hides it without _GNU_SOURCE.
extern const char *strerrorname_np(int number);

static inline const char *bulkhead_errno_name(int number) {
    return strerrorname_np(number);
}

// SCMP_ACT_ERRNO is a function-like macro, which is not imported.
static inline uint32_t bulkhead_scmp_act_errno(uint16_t value) {
    return SCMP_ACT_ERRNO(value);
}

#endif
