// The system calls that Swift's Glibc module does not declare, one C function each. Every function answers the call's
// result, or -errno. Only fixed-width types cross this border, so that the header pulls in no system header.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/types.h>

// Processes and namespaces
// With a copy of the memory, and without what a library would do about it.
int64_t bk_fork(void);
// What a process does that begins in the memory of its parent. `work` answers a number that the stub is told, or a negative
// one, having said why the process ends; `failed` says why the stub could not be executed.
struct bk_birth {
    int64_t (*work)(void *context);
    void (*failed)(void *context, int32_t error);
    void *context;
    const char *name;
    int32_t stub;
};
// The caller goes on when the child has executed its stub or is dead. The child is not to leave behind in the memory what it
// would have given back: `work` has come back, and nothing of it is left, when the stub is executed.
int64_t bk_clone3_shared(
    uint64_t flags, int32_t cgroup_fd, int32_t *pidfd, void *stack, uint64_t stack_size, const struct bk_birth *birth);
void *bk_make_stack(uint64_t size);
int32_t bk_unshare(uint64_t flags);
int32_t bk_setns(int32_t fd, uint64_t type);
int32_t bk_pidfd_send_signal(int32_t pidfd, int32_t signal);
int32_t bk_pidfd_open(int32_t pid);
int32_t bk_pidfd_getfd(int32_t pidfd, int32_t fd);
int32_t bk_waitpid(int32_t pid, int32_t *status, int32_t nohang);
int32_t bk_spawn(const char *path, char *const argv[], const int32_t *fds, int32_t count, int32_t *pid);
int32_t bk_prctl(int32_t option, uint64_t a, uint64_t b);
int32_t bk_default_signals(void);
// Undoes bk_ignore_sigpipe, and blocks nothing.
int32_t bk_reset_signals(void);
int32_t bk_ignore_sigpipe(void);
// The requests to stop and the ends of children, blocked and to be read; -EAGAIN when there is none.
int32_t bk_launcher_signalfd(void);
int32_t bk_read_signal(int32_t fd);
int32_t bk_environment_is_empty(void);

// The program that init and a parked job are (stub.c): what it is told once, and what it finds where.
struct bk_stub_facts {
    // First halves of records, as SetupRecord makes them.
    uint32_t ready, ended;
    uint32_t descriptors_failed, hiding_failed, filter_failed, limits_failed, start_failed, execute_failed;
    // Whether the job's filter asks about calls, so that loading it makes a listener.
    uint32_t asks;
    // Whether init makes itself undumpable.
    uint32_t hides;
    // The most bytes that a start may have.
    uint64_t largest_start;
};
enum {
    // The descriptors of a parked job above its standard streams, and init's only one.
    BK_STUB_REPORT = 3,
    BK_STUB_START = 4,
    BK_STUB_INIT_REPORT = 0,
};
enum {
    // The words of a start (ExecImage): its size in bytes, then these, then the offsets of arguments and environment.
    BK_START_ARGUMENTS = 1,
    BK_START_FILE_SIZE = 2,
    BK_START_OPEN_FILES = 3,
    BK_START_HEADER = 4,
};
// A sealed memfd with the stub, the facts and the filter of `count` instructions, or none.
int32_t bk_stub_make(int32_t is_init, const struct bk_stub_facts *facts, const void *instructions, uint16_t count);

// Identity
int32_t bk_setgroups_empty(void);
int32_t bk_setresgid(uint32_t gid);
int32_t bk_setresuid(uint32_t uid);
int32_t bk_drop_identity_all_threads(uint32_t uid, uint32_t gid);
int32_t bk_setrlimit(int32_t resource, uint64_t soft, uint64_t hard);
int32_t bk_getrlimit(int32_t resource, uint64_t *soft, uint64_t *hard);
// The real ids alone, by which the kernel judges whose limits a process may set.
int32_t bk_set_real_ids(uint32_t id);
// Both limits of another process: as low as they are, or as low as that.
int32_t bk_lower_limit(int32_t pid, int32_t resource, uint64_t most);
int32_t bk_sethostname(const char *name, int32_t length);
int32_t bk_seccomp_prepare_listener(int32_t listener);
int32_t bk_seccomp_receive(int32_t listener, uint64_t *id, uint32_t data[16]);
int32_t bk_seccomp_refuse(int32_t listener, uint64_t id, int32_t error);
int32_t bk_seccomp_continue(int32_t listener, uint64_t id);
int32_t bk_core_scheduling_is_possible(void);
int32_t bk_core_scheduling_begin(void);

// Terminals: the slave of a master, unlocked; a terminal as the caller's controlling one; its size.
int32_t bk_terminal_slave(int32_t master);
int32_t bk_terminal_take(int32_t fd);
int32_t bk_terminal_size(int32_t fd, uint16_t *rows, uint16_t *columns);
int32_t bk_terminal_resize(int32_t fd, uint16_t rows, uint16_t columns);

// Mounts
int32_t bk_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data);
int32_t bk_umount_detach(const char *target);
int32_t bk_pivot_root_here(void);
int32_t bk_fsopen(const char *type);
int32_t bk_fsconfig_string(int32_t fs, const char *key, const char *value);
int32_t bk_fsconfig_create(int32_t fs);
int32_t bk_fsconfig_reconfigure(int32_t fs);
int32_t bk_fsmount(int32_t fs, uint64_t attributes);
int32_t bk_fspick(int32_t mount);
int32_t bk_move_mount(int32_t mount, const char *target);

// Holding whoever opens a file (fanotify(7)): a group; its mark on an open file; the next one who waits (-EAGAIN when there is
// none), by a descriptor that stands for the question; the answer that lets them go on; the end of all marks.
int32_t bk_fanotify_group(void);
int32_t bk_fanotify_hold(int32_t group, int32_t file);
int32_t bk_fanotify_next(int32_t group, int32_t *question);
int32_t bk_fanotify_allow(int32_t group, int32_t question);
int32_t bk_fanotify_forget(int32_t group);

// Files and descriptors
int32_t bk_open(const char *path, int32_t flags, uint32_t mode);
int32_t bk_openat(int32_t dir, const char *path, int32_t flags, uint32_t mode);
int32_t bk_openat2_beneath(int32_t dir, const char *path, uint64_t flags, uint64_t mode);
// With the folder as the root of the path and of every link in it.
int32_t bk_openat2_in_root(int32_t dir, const char *path, uint64_t flags, uint64_t mode);
// For posix_spawn: closes every descriptor from `first` on. The Glibc module of Swift lacks it.
int32_t bk_spawn_close_from(void *file_actions, int32_t first);
int32_t bk_mknod_device(const char *path, uint32_t major, uint32_t minor);
int32_t bk_device_number(const char *path, uint32_t *major, uint32_t *minor);
int32_t bk_pipe(int32_t fds[2]);
int32_t bk_seqpacket_pair(int32_t fds[2]);
int32_t bk_eventfd(void);
int32_t bk_memfd(const char *name);
int32_t bk_memfd_seal(int32_t fd);
int32_t bk_memfd_is_sealed(int32_t fd);
int32_t bk_dup_cloexec(int32_t fd, int32_t as);
int32_t bk_close_range(uint32_t first, uint32_t last, int32_t cloexec_only);
int32_t bk_fcntl_dup_above(int32_t fd, int32_t least);
int32_t bk_set_nonblocking(int32_t fd);
int32_t bk_flock(int32_t fd, int32_t exclusive);
int32_t bk_has_attribute(const char *path, const char *name);
int32_t bk_fstatfs(int32_t fd, uint64_t *type, uint64_t *free_blocks, uint64_t *free_inodes);
int32_t bk_ppoll(int32_t *fds, int16_t *events, int16_t *revents, int32_t count, int64_t timeout_ns);
int64_t bk_send(int32_t socket, const void *bytes, uint64_t length, const int32_t *fds, int32_t fd_count);
int64_t bk_receive(int32_t socket, void *bytes, uint64_t capacity, int32_t *fds, int32_t *fd_count, int32_t nonblocking);
uint64_t bk_monotonic_ns(void);

// Constants that the Glibc module cannot import because they are function-like or missing
extern const uint64_t BK_CLONE_NEWNS, BK_CLONE_NEWCGROUP, BK_CLONE_NEWUTS, BK_CLONE_NEWIPC, BK_CLONE_NEWUSER,
    BK_CLONE_NEWPID, BK_CLONE_NEWNET;
extern const uint64_t BK_MS_RDONLY, BK_MS_NOSUID, BK_MS_NODEV, BK_MS_NOEXEC, BK_MS_REMOUNT, BK_MS_BIND, BK_MS_REC,
    BK_MS_PRIVATE, BK_MOUNT_ATTR_NOSUID, BK_MOUNT_ATTR_NODEV;
extern const int32_t BK_O_PATH, BK_O_CLOEXEC, BK_O_DIRECTORY, BK_O_NOFOLLOW;
extern const int32_t BK_PR_SET_PDEATHSIG, BK_PR_SET_DUMPABLE, BK_PR_SET_NO_NEW_PRIVS,
    BK_PR_SET_CHILD_SUBREAPER, BK_PR_SET_NAME;
extern const int32_t BK_RLIMIT_CORE, BK_RLIMIT_NOFILE, BK_RLIMIT_FSIZE, BK_RLIMIT_MEMLOCK, BK_RLIMIT_MSGQUEUE,
    BK_RLIMIT_RTPRIO, BK_RLIMIT_NICE, BK_RLIMIT_SIGPENDING, BK_RLIMIT_STACK;
extern const uint64_t BK_PROC_MAGIC;

#endif
