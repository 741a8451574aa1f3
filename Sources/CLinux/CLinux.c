#define _GNU_SOURCE
#include "include/CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

// <sys/mount.h> and <linux/mount.h> clash in glibc 2.36 (both define the MS_ and FSCONFIG_ names), so the two functions
// of the first are declared here.
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

// Newer than the headers of some distributions that are supported (Linux 6.6; 5.14).
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#define PR_SCHED_CORE_GET 0
#define PR_SCHED_CORE_CREATE 1
#endif

// 0 or -errno, and the result or -errno.
#define CHECK(call) ((call) < 0 ? -errno : 0)
#define RESULT(type, call) __extension__({ type result_ = (type)(call); result_ < 0 ? (type)-errno : result_; })

int64_t bk_fork(void) {
    struct clone_args args = {.exit_signal = SIGCHLD};
    return RESULT(int64_t, syscall(SYS_clone3, &args, sizeof args));
}

int32_t bk_unshare(uint64_t flags) { return CHECK(unshare((int)flags)); }
int32_t bk_setns(int32_t fd, uint64_t type) { return CHECK(setns(fd, (int)type)); }
int32_t bk_pidfd_send_signal(int32_t pidfd, int32_t signal) {
    return CHECK(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}
int32_t bk_pidfd_open(int32_t pid) { return RESULT(int32_t, syscall(SYS_pidfd_open, pid, 0)); }
int32_t bk_pidfd_getfd(int32_t pidfd, int32_t fd) { return RESULT(int32_t, syscall(SYS_pidfd_getfd, pidfd, fd, 0)); }
int32_t bk_waitpid(int32_t pid, int32_t *status, int32_t nohang) {
    return RESULT(int32_t, waitpid(pid, status, nohang ? WNOHANG : 0));
}

int32_t bk_spawn(const char *path, char *const argv[], const int32_t *fds, int32_t count, int32_t *pid) {
    // The child gets fds[i] as 3 + i and nothing else above 2. The caller passes descriptors above every target number.
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *const environment[] = {NULL};
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return -error;
    error = posix_spawnattr_init(&attributes);
    for (int32_t i = 0; error == 0 && i < count; i++) {
        error = posix_spawn_file_actions_adddup2(&actions, fds[i], 3 + i);
    }
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, 3 + count);
    sigemptyset(&none);
    sigfillset(&all);
    if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (error == 0) {
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    if (error == 0) error = posix_spawn(pid, path, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int32_t bk_prctl(int32_t option, uint64_t a, uint64_t b) { return RESULT(int32_t, prctl(option, a, b, 0, 0)); }

int32_t bk_default_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) {
        // SIGKILL, SIGSTOP and glibc's two internal signals refuse; they are at their default anyway.
        sigaction(signal, &standard, NULL);
    }
    return 0;
}
int32_t bk_reset_signals(void) {
    if (signal(SIGPIPE, SIG_DFL) == SIG_ERR) return -errno;
    sigset_t none;
    sigemptyset(&none);
    return CHECK(sigprocmask(SIG_SETMASK, &none, NULL));
}
int32_t bk_ignore_sigpipe(void) { return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0; }
int32_t bk_launcher_signalfd(void) {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &watched, NULL) < 0) return -errno;
    return RESULT(int32_t, signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}
int32_t bk_read_signal(int32_t fd) {
    struct signalfd_siginfo signal;
    ssize_t count;
    do count = read(fd, &signal, sizeof signal);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    return count == (ssize_t)sizeof signal ? (int32_t)signal.ssi_signo : -EIO;
}
int32_t bk_environment_is_empty(void) { return environ == NULL || environ[0] == NULL; }

// The raw calls: glibc's wrappers signal every thread, and the callers have one.
int32_t bk_setgroups_empty(void) { return CHECK(syscall(SYS_setgroups, 0, NULL)); }
int32_t bk_setresgid(uint32_t gid) { return CHECK(syscall(SYS_setresgid, gid, gid, gid)); }
int32_t bk_setresuid(uint32_t uid) { return CHECK(syscall(SYS_setresuid, uid, uid, uid)); }
int32_t bk_set_real_ids(uint32_t id) {
    if (syscall(SYS_setresgid, id, -1, -1) < 0) return -errno;
    return CHECK(syscall(SYS_setresuid, id, -1, -1));
}
// glibc's wrappers: the driving process may already have threads, and all of them must lose root.
int32_t bk_drop_identity_all_threads(uint32_t uid, uint32_t gid) {
    if (setgroups(0, NULL) < 0) return -errno;
    // The group before the user: without uid 0 the group could no longer be changed.
    if (setresgid(gid, gid, gid) < 0) return -errno;
    return CHECK(setresuid(uid, uid, uid));
}
int32_t bk_setrlimit(int32_t resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};
    return CHECK(setrlimit((__rlimit_resource_t)resource, &limit));
}
int32_t bk_getrlimit(int32_t resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0) return -errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}
int32_t bk_lower_limit(int32_t pid, int32_t resource, uint64_t most) {
    struct rlimit limit;
    if (prlimit(pid, (__rlimit_resource_t)resource, NULL, &limit) < 0) return -errno;
    if (limit.rlim_max > most) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return CHECK(prlimit(pid, (__rlimit_resource_t)resource, &limit, NULL));
}
int32_t bk_sethostname(const char *name, int32_t length) { return CHECK(sethostname(name, (size_t)length)); }
int32_t bk_seccomp_prepare_listener(int32_t listener) {
    // The waiter wakes on the CPU of whoever answers (seccomp_unotify(2)). Before Linux 6.6 there is no such flag, and
    // EINVAL; what is no listener at all answers ENOTTY.
    int result = CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP));
    return result == -EINVAL ? 0 : result;
}
int32_t bk_seccomp_receive(int32_t listener, uint64_t *id, uint32_t data[16]) {
    // Room for a kernel whose notification has grown; all of it must be zero (seccomp_unotify(2)).
    union {
        struct seccomp_notif notification;
        char room[512];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0) return -errno;
    *id = buffer.notification.id;
    _Static_assert(sizeof buffer.notification.data == 64, "struct seccomp_data");
    memcpy(data, &buffer.notification.data, sizeof buffer.notification.data);
    return 0;
}
static int32_t answer(int32_t listener, struct seccomp_notif_resp response) {
    union {
        struct seccomp_notif_resp response;
        char room[512];
    } buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.response = response;
    return CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &buffer));
}
int32_t bk_seccomp_refuse(int32_t listener, uint64_t id, int32_t error) {
    return answer(listener, (struct seccomp_notif_resp){.id = id, .error = -error});
}
int32_t bk_seccomp_continue(int32_t listener, uint64_t id) {
    return answer(listener, (struct seccomp_notif_resp){.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

int32_t bk_core_scheduling_is_possible(void) {
    // EINVAL without CONFIG_SCHED_CORE, ENODEV where no core has several threads.
    uint64_t cookie;
    return prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) == 0;
}
int32_t bk_core_scheduling_begin(void) {
    if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0) < 0) return -errno;
    uint64_t cookie = 0;
    if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &cookie) < 0) return -errno;
    return cookie == 0 ? -ENODATA : 0;
}

int32_t bk_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return CHECK(mount(source, target, type, flags, data));
}
int32_t bk_umount_detach(const char *target) { return CHECK(umount2(target, 2 /* MNT_DETACH */)); }
int32_t bk_pivot_root_here(void) { return CHECK(syscall(SYS_pivot_root, ".", ".")); }
int32_t bk_fsopen(const char *type) { return RESULT(int32_t, syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }
int32_t bk_fsconfig_string(int32_t fs, const char *key, const char *value) {
    return CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0));
}
int32_t bk_fsconfig_create(int32_t fs) { return CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)); }
int32_t bk_fsconfig_reconfigure(int32_t fs) {
    return CHECK(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}
int32_t bk_fsmount(int32_t fs, uint64_t attributes) {
    return RESULT(int32_t, syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}
int32_t bk_fspick(int32_t mount) {
    return RESULT(int32_t, syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}
int32_t bk_move_mount(int32_t mount, const char *target) {
    return CHECK(syscall(SYS_move_mount, mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
}

int32_t bk_fanotify_group(void) {
    return RESULT(int32_t, fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
}
int32_t bk_fanotify_hold(int32_t group, int32_t file) {
    return CHECK(fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, file, NULL));
}
int32_t bk_fanotify_next(int32_t group, int32_t *question) {
    // Room for one: the next stays in the queue.
    struct fanotify_event_metadata event;
    ssize_t count;
    do count = read(group, &event, sizeof event);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    if (count != (ssize_t)sizeof event || event.vers != FANOTIFY_METADATA_VERSION) return -EPROTO;
    if (event.fd < 0) return -EPROTO;
    if (!(event.mask & FAN_OPEN_PERM)) {
        close(event.fd);
        return -EPROTO;
    }
    *question = event.fd;
    return 0;
}
int32_t bk_fanotify_allow(int32_t group, int32_t question) {
    struct fanotify_response response = {.fd = question, .response = FAN_ALLOW};
    return RESULT(int32_t, write(group, &response, sizeof response));
}
int32_t bk_fanotify_forget(int32_t group) { return CHECK(fanotify_mark(group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL)); }

int32_t bk_open(const char *path, int32_t flags, uint32_t mode) { return RESULT(int32_t, open(path, flags, mode)); }
int32_t bk_openat(int32_t dir, const char *path, int32_t flags, uint32_t mode) {
    return RESULT(int32_t, openat(dir, path, flags, mode));
}
int32_t bk_openat2_beneath(int32_t dir, const char *path, uint64_t flags, uint64_t mode) {
    struct open_how how = {
        .flags = flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    return RESULT(int32_t, syscall(SYS_openat2, dir, path, &how, sizeof how));
}
int32_t bk_openat2_in_root(int32_t dir, const char *path, uint64_t flags, uint64_t mode) {
    struct open_how how = {
        .flags = flags,
        .mode = mode,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    return RESULT(int32_t, syscall(SYS_openat2, dir, path, &how, sizeof how));
}
int32_t bk_spawn_close_from(void *file_actions, int32_t first) {
    return posix_spawn_file_actions_addclosefrom_np(file_actions, first);
}
int32_t bk_mknod_device(const char *path, uint32_t major, uint32_t minor) {
    if (mknod(path, S_IFCHR | 0666, makedev(major, minor)) < 0) return -errno;
    // mknod obeys the umask; every user may open these six.
    return CHECK(chmod(path, 0666));
}
int32_t bk_device_number(const char *path, uint32_t *major_out, uint32_t *minor_out) {
    struct stat status;
    if (lstat(path, &status) < 0) return -errno;
    if (!S_ISCHR(status.st_mode)) return -ENODEV;
    *major_out = major(status.st_rdev);
    *minor_out = minor(status.st_rdev);
    return 0;
}
int32_t bk_pipe(int32_t fds[2]) { return CHECK(pipe2(fds, O_CLOEXEC)); }
int32_t bk_seqpacket_pair(int32_t fds[2]) { return CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)); }
int32_t bk_eventfd(void) { return RESULT(int32_t, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
int32_t bk_memfd(const char *name) { return RESULT(int32_t, memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }
static const int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
int32_t bk_memfd_seal(int32_t fd) { return CHECK(fcntl(fd, F_ADD_SEALS, all_seals)); }
int32_t bk_memfd_is_sealed(int32_t fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    return seals < 0 ? -errno : (seals & all_seals) == all_seals;
}
int32_t bk_dup_cloexec(int32_t fd, int32_t as) { return RESULT(int32_t, dup3(fd, as, O_CLOEXEC)); }
int32_t bk_close_range(uint32_t first, uint32_t last, int32_t cloexec_only) {
    return CHECK(syscall(SYS_close_range, first, last, cloexec_only ? 4 /* CLOSE_RANGE_CLOEXEC */ : 0));
}
int32_t bk_fcntl_dup_above(int32_t fd, int32_t least) { return RESULT(int32_t, fcntl(fd, F_DUPFD_CLOEXEC, least)); }
int32_t bk_set_nonblocking(int32_t fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : CHECK(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}
int32_t bk_flock(int32_t fd, int32_t exclusive) { return CHECK(flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB)); }
int32_t bk_has_attribute(const char *path, const char *name) {
    char value[2];
    return getxattr(path, name, value, sizeof value) == 1 && value[0] == '1';
}
int32_t bk_fstatfs(int32_t fd, uint64_t *type, uint64_t *free_blocks, uint64_t *free_inodes) {
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return -errno;
    *type = (uint64_t)status.f_type;
    *free_blocks = status.f_bfree;
    *free_inodes = status.f_ffree;
    return 0;
}
int32_t bk_ppoll(int32_t *fds, int16_t *events, int16_t *revents, int32_t count, int64_t timeout_ns) {
    struct pollfd polled[16];
    if (count < 0 || count > 16) return -EINVAL;
    for (int32_t i = 0; i < count; i++) polled[i] = (struct pollfd){fds[i], events[i], 0};
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int ready = ppoll(polled, (nfds_t)count, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (ready < 0) return -errno;
    for (int32_t i = 0; i < count; i++) revents[i] = polled[i].revents;
    return ready;
}

// SCM_RIGHTS: the CMSG_ macros are not importable.
enum { MAX_FDS = 8 };
int64_t bk_send(int32_t socket, const void *bytes, uint64_t length, const int32_t *fds, int32_t fd_count) {
    if (fd_count < 0 || fd_count > MAX_FDS) return -EINVAL;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
    } control = {0};
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)fd_count);
    }
    return RESULT(int64_t, sendmsg(socket, &message, MSG_NOSIGNAL));
}
int64_t bk_receive(int32_t socket, void *bytes, uint64_t capacity, int32_t *fds, int32_t *fd_count, int32_t nonblocking) {
    // fd_count: in, how many descriptors the caller takes; out, how many came. More than expected, or a message that does
    // not fit, is EMSGSIZE, with nothing left open.
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
    } control = {0};
    struct iovec part = {bytes, capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (nonblocking ? MSG_DONTWAIT : 0));
    if (received < 0) return -errno;
    int32_t taken = 0, refused = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            if (refused || taken >= *fd_count) {
                close(fd);
                refused = 1;
            } else {
                fds[taken++] = fd;
            }
        }
    }
    if (refused) {
        for (int32_t i = 0; i < taken; i++) close(fds[i]);
        *fd_count = 0;
        return -EMSGSIZE;
    }
    *fd_count = taken;
    return received;
}
uint64_t bk_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const uint64_t BK_CLONE_NEWNS = CLONE_NEWNS, BK_CLONE_NEWCGROUP = CLONE_NEWCGROUP, BK_CLONE_NEWUTS = CLONE_NEWUTS,
               BK_CLONE_NEWIPC = CLONE_NEWIPC, BK_CLONE_NEWUSER = CLONE_NEWUSER, BK_CLONE_NEWPID = CLONE_NEWPID,
               BK_CLONE_NEWNET = CLONE_NEWNET;
const uint64_t BK_MS_RDONLY = MS_RDONLY, BK_MS_NOSUID = MS_NOSUID, BK_MS_NODEV = MS_NODEV, BK_MS_NOEXEC = MS_NOEXEC,
               BK_MS_REMOUNT = MS_REMOUNT, BK_MS_BIND = MS_BIND, BK_MS_REC = MS_REC, BK_MS_PRIVATE = MS_PRIVATE,
               BK_MOUNT_ATTR_NOSUID = MOUNT_ATTR_NOSUID, BK_MOUNT_ATTR_NODEV = MOUNT_ATTR_NODEV;
const int32_t BK_O_PATH = O_PATH, BK_O_CLOEXEC = O_CLOEXEC, BK_O_DIRECTORY = O_DIRECTORY, BK_O_NOFOLLOW = O_NOFOLLOW;
const int32_t BK_PR_SET_PDEATHSIG = PR_SET_PDEATHSIG, BK_PR_SET_DUMPABLE = PR_SET_DUMPABLE,
              BK_PR_SET_NO_NEW_PRIVS = PR_SET_NO_NEW_PRIVS,
              BK_PR_SET_CHILD_SUBREAPER = PR_SET_CHILD_SUBREAPER, BK_PR_SET_NAME = PR_SET_NAME;
const int32_t BK_RLIMIT_CORE = RLIMIT_CORE, BK_RLIMIT_NOFILE = RLIMIT_NOFILE, BK_RLIMIT_FSIZE = RLIMIT_FSIZE,
              BK_RLIMIT_MEMLOCK = RLIMIT_MEMLOCK, BK_RLIMIT_MSGQUEUE = RLIMIT_MSGQUEUE, BK_RLIMIT_RTPRIO = RLIMIT_RTPRIO,
              BK_RLIMIT_NICE = RLIMIT_NICE, BK_RLIMIT_SIGPENDING = RLIMIT_SIGPENDING, BK_RLIMIT_STACK = RLIMIT_STACK;
const uint64_t BK_PROC_MAGIC = PROC_SUPER_MAGIC;
