// What every attack is written with. One file an attack: it says what it tries and registers itself; README.md has the
// rules. The program is static and runs as a job in the sandbox under test, or by hand outside it.
#ifndef ATTACK_H
#define ATTACK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "numbers.h"

// How an attack is run, and who judges it.
enum mode {
    ALONE,    // one job, which says its own finding
    VERDICT,  // one job; the engine's verdict about it is compared with `expect`
    PAIR,     // `run` and `second` at once in two slots; both say their finding, `run` once `second` has ended
    SEQUEL,   // `run`, then `second` in the very same slot; both say their finding
    OUTSIDE,  // one job, which waits while it is looked at from outside, and says its own finding too
    SOURCE,   // a source text for a language; the verdict about it, compile stage included, is compared with `expect`
    COLLECT,  // one job, whose files are then collected
};

struct attack {
    const char *file;   // set by ATTACK; the attack's name comes of it
    const char *group;  // the folder
    const char *what;   // what it tries, as the rest of a sentence that begins with "It tries to"
    enum mode mode;
    void (*run)(void);
    void (*second)(void);
    // The status that the engine must give, with the exit code or the signal where that matters: "memory_limit",
    // "nonzero_exit 7", "signaled SIGKILL"; alternatives with | between.
    const char *expect;
    // Limits other than the standard ones: "wall=300 cpu=200" in ms, "memory=16M disk=1M file=1M output=64K" in bytes,
    // "processes=16 inodes=64 files=32 cpus=0.5".
    const char *limits;
    // VERDICT: the most CPU time, in percent of the wall time, that the job may have got; 0 for not asked.
    int cpu_percent;
    // SOURCE: the language and the text, a part that its diagnostics must have, and one that no output may have
    // (alternatives with | between).
    const char *language;
    const char *source;
    const char *says;
    const char *never;
    // COLLECT: the pattern, the paths that must come out, with a space between, and whether others are let through.
    const char *collect;
    const char *collected;
    // Must not be run outside a sandbox that has limits.
    int harmful;
    struct attack *next;
};

void attack_register(struct attack *attack);

#define ATTACK(...)                                                         \
    static struct attack attack_here = {.file = __FILE_NAME__, __VA_ARGS__}; \
    __attribute__((constructor)) static void register_here(void) { attack_register(&attack_here); }

// MARK: findings. Each ends the process; nothing else counts as an answer.

// The attack was stopped, and by what.
_Noreturn void contained(const char *format, ...) __attribute__((format(printf, 1, 2)));
// It was not, and what it got.
_Noreturn void escaped(const char *format, ...) __attribute__((format(printf, 1, 2)));
// It could not be tried, and why not. Counts as a failure: what a kernel does not have is `contained`.
_Noreturn void unjudged(const char *format, ...) __attribute__((format(printf, 1, 2)));

// MARK: talking to the driver

// A value that the driver gives: something outside that must be out of reach. Unjudged where it is missing.
const char *given(const char *name);
// Like `given`, or NULL where it is missing.
const char *given_or_null(const char *name);
// PAIR and OUTSIDE: says that this role is in place, and waits until the driver lets go.
void ready_until_released(void);
// SEQUEL: gives the second role something to compare with, as `given("MEMO")`.
void memo(const char *text);

// MARK: tools

// EPERM for 1, "ok" for 0.
const char *error_name(int error);
void nap(long milliseconds);
_Noreturn void sleep_for_ever(void);
long long now_ms(void);

// How a call ended that was made in a child, so that it can do no harm to this process.
struct answer {
    long result;
    int error;   // 0 where it succeeded
    int signal;  // the signal that ended the child, or 0
};
struct answer try_in_child(long (*call)(void));
// "EPERM", "success", "SIGSYS"
const char *answer_text(struct answer answer);

// A system call by its number.
struct raw_call {
    const char *name;
    long number;
    long arguments[6];
    // Whether the kernel itself answers EPERM to whoever has no capability, before it looks at the arguments.
    int wants_right;
};
#define CALL(name, ...) {#name, SYS_##name, {__VA_ARGS__}, 0}
#define PRIVILEGED_CALL(name, ...) {#name, SYS_##name, {__VA_ARGS__}, 1}
// An address that no process has: the kernel answers EFAULT when it looks there, so whatever refuses before it looks
// can be told from the kernel itself.
#define NOWHERE 1L
// Makes each call in a child. Contained when each was refused before the kernel's own code saw it: EPERM or ENOSYS, where
// the kernel would have answered otherwise to these arguments, or SIGSYS.
_Noreturn void refused_by_filter(const struct raw_call *calls, size_t count);
#define REFUSED_BY_FILTER(calls) refused_by_filter(calls, sizeof(calls) / sizeof *(calls))

// Like refused_by_filter for calls with proper arguments: whoever refuses, as long as none succeeds.
struct named_call {
    const char *name;
    long (*call)(void);
};
_Noreturn void all_refused(const struct named_call *calls, size_t count);
#define ALL_REFUSED(calls) all_refused(calls, sizeof(calls) / sizeof *(calls))

// The start of a small file, with its end marked by NUL. Answers the length, or -1 and errno.
ssize_t read_file(const char *path, char *buffer, size_t size);
// The value of a field of /proc/self/status, or unjudged.
const char *status_field(const char *field);
// Writes all of it, or fails.
int write_all(int fd, const void *bytes, size_t count);
// An AF_UNIX address without a file.
socklen_t abstract_address(struct sockaddr_un *address, const char *name);

#endif
