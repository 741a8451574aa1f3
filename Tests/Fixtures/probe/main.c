// A job for the tests of the engine: what a program does that wants out, or more than it was given. The first argument
// names what to do; what was seen goes to standard output as `key=value` lines, for the test to judge.
//
// Static, so that it runs in an image that holds nothing else.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void say(const char *key, const char *value) { printf("%s=%s\n", key, value); }
static void say_number(const char *key, long value) { printf("%s=%ld\n", key, value); }
static const char *name_of(int error) { return error == 0 ? "ok" : strerrorname_np(error); }
// The outcome of a call that answers -1 and errno.
static void say_call(const char *key, long result) { say(key, name_of(result < 0 ? errno : 0)); }

static void nap(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {}
}
static void sleep_for_ever(void) {
    for (;;) nap(1000);
}

// The lines of a small file, each as `key=line`, with runs of blanks made one.
static void say_file(const char *key, const char *path, int skip) {
    FILE *file = fopen(path, "r");
    char line[8192];
    if (file == NULL) {
        say(key, name_of(errno));
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (skip-- > 0) continue;
        char *to = line;
        for (char *from = line; *from != 0 && *from != '\n'; from++) {
            char c = *from == '\t' ? ' ' : *from;
            if (c == ' ' && (to == line || to[-1] == ' ')) continue;
            *to++ = c;
        }
        while (to > line && to[-1] == ' ') to--;
        *to = 0;
        say(key, line);
    }
    fclose(file);
}

static void say_folder(const char *key, const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        say(key, name_of(errno));
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        say(key, entry->d_name);
    }
    closedir(folder);
}

// MARK: what a job sees

static void say_status(void) {
    static const char *const wanted[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
                                         "Groups", "Uid", "Gid", "Threads", NULL};
    FILE *file = fopen("/proc/self/status", "r");
    char line[512];
    if (file == NULL) exit(90);
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL) continue;
        *colon = 0;
        for (int i = 0; wanted[i] != NULL; i++) {
            if (strcmp(line, wanted[i]) != 0) continue;
            char *value = colon + 1;
            for (char *c = value; *c != 0; c++) {
                if (*c == '\t') *c = ' ';
                if (*c == '\n') *c = 0;
            }
            while (*value == ' ') value++;
            for (size_t length = strlen(value); length > 0 && value[length - 1] == ' '; length--) value[length - 1] = 0;
            say(line, value);
        }
    }
    fclose(file);
}

static void say_limits(void) {
    static const struct {
        const char *name;
        int resource;
    } limits[] = {{"CORE", RLIMIT_CORE},         {"NOFILE", RLIMIT_NOFILE}, {"FSIZE", RLIMIT_FSIZE},
                  {"MEMLOCK", RLIMIT_MEMLOCK},   {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"RTPRIO", RLIMIT_RTPRIO},
                  {"NICE", RLIMIT_NICE},         {"SIGPENDING", RLIMIT_SIGPENDING}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit;
        char text[64];
        getrlimit(limits[i].resource, &limit);
        if (limit.rlim_max == RLIM_INFINITY) {
            snprintf(text, sizeof text, "%s infinite", limits[i].name);
        } else {
            snprintf(text, sizeof text, "%s %llu", limits[i].name, (unsigned long long)limit.rlim_max);
        }
        say("limit", text);
    }
}

static int observe(void) {
    struct utsname system;
    say_file("uid_map", "/proc/self/uid_map", 0);
    say_file("gid_map", "/proc/self/gid_map", 0);
    say_status();
    for (int fd = 0; fd < 1100; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) say_number("fd", fd);
    }
    say_file("route", "/proc/net/route", 1);
    say_file("if_inet6", "/proc/net/if_inet6", 0);
    say_file("fib", "/proc/net/fib_trie", 0);
    FILE *devices = fopen("/proc/net/dev", "r");
    char line[512];
    while (devices != NULL && fgets(line, sizeof line, devices) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL) continue;
        *colon = 0;
        say("interface", line + strspn(line, " "));
    }
    say_file("cgroup", "/proc/self/cgroup", 0);
    say_file("mount", "/proc/self/mountinfo", 0);
    uname(&system);
    say("hostname", system.nodename);
    say_number("pid", getpid());
    say_number("ppid", getppid());
    say_number("sid", getsid(0));
    say_number("pgid", getpgid(0));
    say_number("groups", getgroups(0, NULL));
    say_call("tty", open("/dev/tty", O_RDWR));
    struct stat one;
    say_call("stat /proc/1", stat("/proc/1", &one));
    say_call("open /proc/1/mem", open("/proc/1/mem", O_RDONLY));
    say_call("open /proc/1/environ", open("/proc/1/environ", O_RDONLY));
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') say("process", entry->d_name);
    }
    char umask_text[8];
    snprintf(umask_text, sizeof umask_text, "%03o", umask(0));
    say("umask", umask_text);
    char cwd[4096];
    say("cwd", getcwd(cwd, sizeof cwd) == NULL ? "none" : cwd);
    say_limits();
    for (char **variable = environ; *variable != NULL; variable++) say("env", *variable);
    static const char *const spaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", NULL};
    for (int i = 0; spaces[i] != NULL; i++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        say("namespace", target);
    }
    // As a shell would do it: by path, so that owner and mode of the pipe count.
    int again = open("/dev/stderr", O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0644);
    say_call("open /dev/stderr", again);
    say_call("write /dev/stderr", write(again, "said to /dev/stderr\n", 20));
    say_call("open /dev/stdout", open("/dev/stdout", O_WRONLY));
    int input = open("/dev/stdin", O_RDONLY);
    say_call("open /dev/stdin", input);
    char byte = 0;
    ssize_t got = input < 0 ? -1 : read(input, &byte, 1);
    say("read /dev/stdin", got == 1 && byte == 'x' ? "x" : "nothing");
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) say_number("ignored signal", number);
    }
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        if (sigismember(&blocked, number) == 1) say_number("blocked signal", number);
    }
    return 0;
}

// Every place below / where a file can be made.
static void try_folder(const char *path, int depth) {
    char name[4200];
    snprintf(name, sizeof name, "%s/probe.%d", strcmp(path, "/") == 0 ? "" : path, getpid());
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
        close(fd);
        unlink(name);
        say("writable", path);
        return;
    }
    if (errno != EROFS && errno != EACCES && errno != EPERM && errno != ENOENT) say("odd", strerrorname_np(errno));
    if (depth == 0) return;
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        if (lstat(name, &status) == 0 && S_ISDIR(status.st_mode)) try_folder(name, depth - 1);
    }
    if (folder != NULL) closedir(folder);
}

static void find_set_id(const char *path, int *seen) {
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char name[4200];
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &status) < 0) continue;
        ++*seen;
        if (S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0) say("set-id", name);
        char capability[64];
        if (S_ISREG(status.st_mode) && syscall(SYS_lgetxattr, name, "security.capability", capability, 64) > 0) {
            say("file capability", name);
        }
        if (S_ISDIR(status.st_mode)) find_set_id(name, seen);
    }
    if (folder != NULL) closedir(folder);
}

static int files(void) {
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty", NULL};
    static const char *const links[] = {"fd", "stdin", "stdout", "stderr", "shm", NULL};
    char path[256], text[512];
    struct stat status;
    say_folder("top", "/");
    try_folder("/", 2);
    say_folder("dev", "/dev");
    for (int i = 0; devices[i] != NULL; i++) {
        snprintf(path, sizeof path, "/dev/%s", devices[i]);
        if (lstat(path, &status) < 0 || !S_ISCHR(status.st_mode)) continue;
        snprintf(text, sizeof text, "%s %u:%u %03o", devices[i], major(status.st_rdev), minor(status.st_rdev),
                 status.st_mode & 0777);
        say("device", text);
    }
    for (int i = 0; links[i] != NULL; i++) {
        snprintf(path, sizeof path, "/dev/%s", links[i]);
        char target[256];
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        snprintf(text, sizeof text, "%s %s", links[i], target);
        say("link", text);
    }
    int shared = shm_open("/probe", O_RDWR | O_CREAT, 0600);
    say_call("shm_open", shared);
    say_call("stat /tmp/probe", stat("/tmp/probe", &status));
    shm_unlink("/probe");
    say_call("stat /sys/kernel", stat("/sys/kernel", &status));
    struct statvfs root;
    statvfs("/", &root);
    snprintf(text, sizeof text, "%s%s%s", root.f_flag & ST_RDONLY ? "ro" : "rw", root.f_flag & ST_NOSUID ? ",nosuid" : "",
             root.f_flag & ST_NODEV ? ",nodev" : "");
    say("root flags", text);
    statvfs("/box", &root);
    snprintf(text, sizeof text, "%s%s", root.f_flag & ST_NOSUID ? "nosuid" : "", root.f_flag & ST_NODEV ? ",nodev" : "");
    say("box flags", text);
    say_call("mkfifo", mkfifo("/box/fifo", 0600));
    say_call("mknod device", mknod("/box/device", S_IFCHR | 0600, makedev(1, 3)));
    say_call("chown root", chown("/box/fifo", 0, 0));
    // A mount point that was pulled away from under /box would show what is below.
    say_call("open /box/..", open("/box/../box/box", O_RDONLY));
    int seen = 0;
    DIR *top = opendir("/");
    struct dirent *entry;
    while (top != NULL && (entry = readdir(top)) != NULL) {
        static const char *const skipped[] = {".", "..", "proc", "dev", "tmp", "box", NULL};
        int skip = 0;
        for (int i = 0; skipped[i] != NULL; i++) skip |= strcmp(entry->d_name, skipped[i]) == 0;
        snprintf(path, sizeof path, "/%.200s", entry->d_name);
        if (!skip && lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) find_set_id(path, &seen);
    }
    say_number("seen", seen);
    return 0;
}

// The masked and read-only parts of /proc: what can be read of each, and what writing answers.
static int masks(int count, char **paths) {
    for (int i = 0; i < count; i++) {
        struct stat status;
        char text[512];
        if (stat(paths[i], &status) < 0) {
            snprintf(text, sizeof text, "%s absent", paths[i]);
            say("mask", text);
            continue;
        }
        long size = 0;
        if (S_ISDIR(status.st_mode)) {
            DIR *folder = opendir(paths[i]);
            while (folder != NULL && readdir(folder) != NULL) size++;
            size -= 2;
            if (folder != NULL) closedir(folder);
        } else {
            int fd = open(paths[i], O_RDONLY | O_NONBLOCK);
            char buffer[4096];
            ssize_t got = fd < 0 ? -errno : read(fd, buffer, sizeof buffer);
            size = got;
            if (fd >= 0) close(fd);
        }
        const char *answer;
        if (S_ISDIR(status.st_mode)) {
            char name[512];
            snprintf(name, sizeof name, "%s/probe", paths[i]);
            int fd = open(name, O_WRONLY | O_CREAT, 0600);
            answer = fd < 0 ? strerrorname_np(errno) : "written";
        } else {
            int fd = open(paths[i], O_WRONLY);
            // What is covered by /dev/null takes every byte and keeps none.
            answer = fd < 0 ? strerrorname_np(errno) : major(status.st_rdev) == 1 && minor(status.st_rdev) == 3 ? "null" : "written";
        }
        snprintf(text, sizeof text, "%s %ld %s", paths[i], size, answer);
        say("mask", text);
    }
    return 0;
}

// A call in a child: some of those that are allowed by mistake would change this process.
static void attempt_in_child(const char *key, long (*call)(void)) {
    int ends[2];
    if (pipe(ends) < 0) exit(91);
    pid_t child = fork();
    if (child == 0) {
        errno = 0;
        long result = call();
        int answer = result < 0 ? errno : 0;
        if (write(ends[1], &answer, sizeof answer) < 0) _exit(1);
        _exit(0);
    }
    close(ends[1]);
    int answer = 0;
    ssize_t got = read(ends[0], &answer, sizeof answer);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (got == sizeof answer) {
        say(key, name_of(answer));
    } else {
        char text[32];
        snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
        say(key, text);
    }
}

static long clone_with(unsigned long flags) {
    long result = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (result == 0) _exit(0);
    return result;
}
static long call_unshare_user(void) { return unshare(CLONE_NEWUSER); }
static long call_unshare_mount(void) { return unshare(CLONE_NEWNS); }
static long call_clone_user(void) { return clone_with(CLONE_NEWUSER); }
static long call_clone_net(void) { return clone_with(CLONE_NEWNET); }
static long call_clone3(void) { return syscall(SYS_clone3, NULL, 0); }
static long call_setns(void) { return setns(open("/proc/self/ns/net", O_RDONLY), 0); }
static long call_mount(void) { return mount("none", "/tmp", "tmpfs", 0, NULL); }
static long call_remount(void) { return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL); }
static long call_umount(void) { return umount2("/proc/kcore", MNT_DETACH); }
static long call_fsopen(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static long call_open_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "/", 1); }
static long call_pivot_root(void) { return syscall(SYS_pivot_root, ".", "."); }
static long call_chroot(void) { return chroot("/tmp"); }
static long call_ptrace(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static long call_inet(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long call_inet6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }
static long call_alg(void) { return socket(AF_ALG, SOCK_SEQPACKET, 0); }
static long call_vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
static long call_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static long call_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static long call_unix_high(void) { return socket((int)(AF_INET | 0), SOCK_RAW, 1); }
static long call_keyctl(void) { return syscall(SYS_keyctl, 0, -3, 1); }
static long call_add_key(void) { return syscall(SYS_add_key, "user", "probe", "x", 1, -3); }
static long call_bpf(void) { return syscall(SYS_bpf, 0, NULL, 0); }
static long call_io_uring(void) {
    char parameters[256] = {0};
    return syscall(SYS_io_uring_setup, 1, parameters);
}
static long call_userfaultfd(void) { return syscall(SYS_userfaultfd, 0); }
static long call_perf(void) {
    char attributes[128] = {0};
    return syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0);
}
static long call_process_vm(void) {
    char byte;
    struct {
        void *base;
        size_t length;
    } part = {&byte, 1};
    return syscall(SYS_process_vm_readv, getpid(), &part, 1, &part, 1, 0);
}
static long call_pidfd_getfd(void) { return syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getpid(), 0), 0, 0); }
static long call_kexec(void) { return syscall(SYS_kexec_load, 0, 0, NULL, 0); }
static long call_module(void) { return syscall(SYS_init_module, "", 0, ""); }
static long call_syslog(void) { return syscall(SYS_syslog, 3, NULL, 0); }
static long call_handle(void) { return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0); }
static long call_memfd_secret(void) { return syscall(SYS_memfd_secret, 0); }
static long call_sethostname(void) { return sethostname("x", 1); }
static long call_setuid(void) { return setuid(0); }
static long call_setuid_other(void) { return setuid(1001); }
static long call_setgroups(void) {
    gid_t group = 1000;
    return syscall(SYS_setgroups, 1, &group);
}
static long call_seccomp(void) { return syscall(SYS_seccomp, 2, 0, NULL); }
static long call_tiocsti(void) { return ioctl(0, TIOCSTI, "x"); }
static long call_tiocsti_high(void) { return syscall(SYS_ioctl, 0, (1ul << 32) | TIOCSTI, "x"); }
static long call_modify_ldt(void) { return syscall(SYS_modify_ldt, 0, NULL, 0); }
static long call_nice(void) { return setpriority(PRIO_PROCESS, 0, -5); }
static long call_core_raise(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CORE, &limit);
}
static long call_unknown(void) { return syscall(999); }
static long call_x32(void) { return syscall(0x40000000 | SYS_getpid); }
static long call_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }

static int calls(void) {
#define TRY(name) attempt_in_child(#name, call_##name)
    TRY(unshare_user); TRY(unshare_mount); TRY(clone_user); TRY(clone_net); TRY(clone3); TRY(setns);
    TRY(mount); TRY(remount); TRY(umount); TRY(fsopen); TRY(open_tree); TRY(pivot_root); TRY(chroot);
    TRY(ptrace); TRY(inet); TRY(inet6); TRY(alg); TRY(vsock); TRY(netlink); TRY(packet); TRY(unix_high);
    TRY(keyctl); TRY(add_key); TRY(bpf); TRY(io_uring); TRY(userfaultfd); TRY(perf);
    TRY(process_vm); TRY(pidfd_getfd); TRY(kexec); TRY(module); TRY(syslog); TRY(handle); TRY(memfd_secret);
    TRY(sethostname); TRY(setuid); TRY(setuid_other); TRY(setgroups); TRY(seccomp);
    TRY(tiocsti); TRY(tiocsti_high); TRY(modify_ldt); TRY(nice); TRY(core_raise);
    TRY(unknown); TRY(x32); TRY(unix);
#undef TRY
    return 0;
}

// MARK: what a job leaves behind or shares

static int leave(void) {
    int fd = open("/tmp/left", O_WRONLY | O_CREAT, 0600);
    say_call("tmp", fd);
    say_call("box", open("/box/left", O_WRONLY | O_CREAT, 0600));
    int id = shmget(0x1234, 4096, IPC_CREAT | IPC_EXCL | 0600);
    say_call("shm", id);
    say_call("msg", msgget(0x1234, IPC_CREAT | IPC_EXCL | 0600));
    return 0;
}

static int look(void) {
    struct stat status;
    say_call("tmp", stat("/tmp/left", &status));
    say_call("box", stat("/box/left", &status));
    say_call("shm", shmget(0x1234, 4096, 0600));
    say_call("msg", msgget(0x1234, 0600));
    return 0;
}

static struct sockaddr_un abstract(const char *name, socklen_t *length) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return address;
}
static int listen_abstract(const char *name) {
    socklen_t length;
    struct sockaddr_un address = abstract(name, &length);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    say_call("bind", bind(fd, (struct sockaddr *)&address, length));
    say_call("listen", listen(fd, 1));
    int lock = open("/etc/passwd", O_RDONLY);
    if (lock >= 0) say_call("lock", syscall(SYS_flock, lock, 2 | 4));
    fflush(stdout);
    sleep_for_ever();
    return 0;
}
static int connect_abstract(const char *name) {
    socklen_t length;
    struct sockaddr_un address = abstract(name, &length);
    say_call("connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, length));
    // A lock of another job on the same file of the image must not be seen.
    int lock = open("/etc/passwd", O_RDONLY);
    if (lock >= 0) say_call("lock", syscall(SYS_flock, lock, 2 | 4));
    return 0;
}

// MARK: what a job uses up

static void *spin_thread(void *unused) {
    for (volatile uint64_t i = 0;; i++) {}
    return unused;
}
static int spin(int threads, int children) {
    for (int i = 1; i < children; i++) {
        if (fork() == 0) break;
    }
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, spin_thread, NULL) != 0) return 92;
    }
    spin_thread(NULL);
    return 0;
}

static int burn(long milliseconds) {
    struct timespec now;
    do { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < milliseconds);
    return 0;
}

static int allocate(size_t megabytes) {
    for (size_t i = 0; i < megabytes; i++) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) return 93;
        for (size_t at = 0; at < 1 << 20; at += 4096) block[at] = 1;
    }
    return 0;
}

static int fill(const char *path, int code) {
    static char block[64 << 10];
    memset(block, 1, sizeof block);
    size_t total = 0;
    for (int number = 0;; number++) {
        char name[256];
        snprintf(name, sizeof name, "%s/fill%d", path, number);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) break;
        size_t size = 0;
        while (size < 1 << 20) {
            ssize_t count = write(fd, block, sizeof block);
            if (count <= 0) break;
            size += (size_t)count;
        }
        int failed = errno;
        close(fd);
        total += size;
        if (size < 1 << 20) {
            say_number("filled", (long)total);
            fprintf(stderr, "%s\n", strerrorname_np(failed));
            break;
        }
    }
    return code;
}

static int inodes(int code) {
    for (int number = 0;; number++) {
        char name[64];
        snprintf(name, sizeof name, "/tmp/inode%d", number);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) {
            fprintf(stderr, "%d %s\n", number, strerrorname_np(errno));
            return code;
        }
        close(fd);
    }
}

static int chatter(int both) {
    static char block[4096];
    memset(block, 'y', sizeof block);
    for (;;) {
        if (write(1, block, sizeof block) < 0) return 1;
        if (both && write(2, block, sizeof block) < 0) return 1;
    }
}

// Exactly so many bytes, then a normal end.
static int write_bytes(int fd, size_t count) {
    static char block[4096];
    memset(block, 'b', sizeof block);
    while (count > 0) {
        ssize_t written = write(fd, block, count < sizeof block ? count : sizeof block);
        if (written <= 0) return 1;
        count -= (size_t)written;
    }
    return 0;
}

static int fork_until_it_fails(const char *then) {
    for (int forked = 0;; forked++) {
        pid_t child = fork();
        if (child == 0) sleep_for_ever();
        if (child > 0) continue;
        say_number("forked", forked);
        say("then", strerrorname_np(errno));
        fflush(stdout);
        break;
    }
    if (strcmp(then, "exit") == 0) return 3;
    if (strcmp(then, "spin") == 0) spin_thread(NULL);
    if (strcmp(then, "abort") == 0) abort();
    return 0;
}

static int count_input(void) {
    static char block[65536];
    size_t total = 0;
    unsigned sum = 0;
    ssize_t got;
    while ((got = read(0, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < got; i++) sum = sum * 31 + (unsigned char)block[i];
        total += (size_t)got;
    }
    printf("bytes=%zu\nsum=%u\n", total, sum);
    return got < 0;
}

static int open_files(void) {
    int opened = 0;
    while (open("/dev/null", O_RDONLY) >= 0) opened++;
    printf("opened=%d\n", opened);
    say("then", strerrorname_np(errno));
    return 0;
}

// Entries in /box of every kind, for collection.
static int products(void) {
    int fd = open("/box/good.out", O_WRONLY | O_CREAT, 0644);
    if (write(fd, "good\n", 5) != 5) return 1;
    fd = open("/box/run.out", O_WRONLY | O_CREAT, 0755);
    static char block[200000];
    memset(block, 'r', sizeof block);
    if (write(fd, block, sizeof block) != sizeof block) return 1;
    close(open("/box/empty.out", O_WRONLY | O_CREAT, 0644));
    if (symlink("/etc/passwd", "/box/link.out") < 0 || symlink("good.out", "/box/near.out") < 0) return 1;
    if (mkfifo("/box/fifo.out", 0600) < 0 || mkdir("/box/folder.out", 0700) < 0) return 1;
    close(open("/box/hard1.out", O_WRONLY | O_CREAT, 0644));
    if (link("/box/hard1.out", "/box/hard2.out") < 0) return 1;
    fd = open("/box/large.out", O_WRONLY | O_CREAT, 0644);
    if (ftruncate(fd, 8 << 20) < 0) return 1;
    close(open("/box/secret.out", O_WRONLY | O_CREAT, 0));
    close(open("/box/\xFF.out", O_WRONLY | O_CREAT, 0644));
    close(open("/box/other.txt", O_WRONLY | O_CREAT, 0644));
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/box/socket.out"};
    if (bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address) < 0) return 1;
    return 0;
}

// More entries that are not collected than fit into one message.
static int many_links(void) {
    for (int number = 0; number < 2000; number++) {
        char name[300];
        snprintf(name, sizeof name, "/box/%0240d.out", number);
        if (symlink("/", name) < 0) return 1;
    }
    return 0;
}

int main(int count, char **arguments) {
    const char *command = count > 1 ? arguments[1] : "";
    const char *value = count > 2 ? arguments[2] : "";
    long number = strtol(value, NULL, 10);
#define COMMAND(name) if (strcmp(command, name) == 0)
    COMMAND("observe") return observe();
    COMMAND("files") return files();
    COMMAND("masks") return masks(count - 2, arguments + 2);
    COMMAND("calls") return calls();
    COMMAND("leave") return leave();
    COMMAND("look") return look();
    COMMAND("listen") return listen_abstract(value);
    COMMAND("connect") return connect_abstract(value);
    COMMAND("exit") return (int)number;
    COMMAND("say") {
        puts(value);
        return 0;
    }
    COMMAND("cat") {
        say_file("line", value, 0);
        return 0;
    }
    COMMAND("list") {
        say_folder("entry", value);
        return 0;
    }
    COMMAND("signal") {
        kill(getpid(), (int)number);
        nap(100);
        return 94;
    }
    COMMAND("segfault") {
        *(volatile int *)0 = 1;
        return 94;
    }
    COMMAND("abort") abort();
    COMMAND("spin") return spin(1, 1);
    COMMAND("spin-threads") return spin((int)number, 1);
    COMMAND("spin-children") return spin(1, (int)number);
    COMMAND("burn") return burn(number);
    COMMAND("sleep") {
        nap(number);
        return 0;
    }
    COMMAND("wait") {
        puts("waiting");
        fflush(stdout);
        sleep_for_ever();
    }
    COMMAND("allocate") return allocate((size_t)number);
    COMMAND("allocate-in-child") {
        if (fork() == 0) _exit(allocate((size_t)number));
        wait(NULL);
        nap(200);
        return 0;
    }
    COMMAND("fill") return fill(value, 1);
    COMMAND("fill-well") return fill(value, 0);
    COMMAND("inodes") return inodes((int)number);
    COMMAND("chatter") return chatter(0);
    COMMAND("chatter-both") return chatter(1);
    COMMAND("write") return write_bytes(1, (size_t)number);
    COMMAND("write-error") return write_bytes(2, (size_t)number);
    COMMAND("fork-bomb") {
        for (;;) fork();
    }
    COMMAND("fork-until") return fork_until_it_fails(value);
    COMMAND("close-and-sleep") {
        close(0);
        close(1);
        close(2);
        sleep_for_ever();
    }
    COMMAND("kill-all") {
        kill(-1, SIGKILL);
        kill(1, SIGKILL);
        kill(getppid(), SIGKILL);
        nap(50);
        return 7;
    }
    COMMAND("ignore-signals") {
        for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
        sleep_for_ever();
    }
    COMMAND("daemonize") {
        if (fork() == 0) {
            setsid();
            if (fork() == 0) {
                for (;;) {
                    write_bytes(1, 1);
                    nap(5);
                }
            }
            _exit(0);
        }
        nap(20);
        return 5;
    }
    COMMAND("large-file") {
        int fd = open("/tmp/large", O_WRONLY | O_CREAT, 0600);
        if (ftruncate(fd, number) < 0) return 95;
        nap(100);
        return 94;
    }
    COMMAND("open-files") return open_files();
    COMMAND("count-input") return count_input();
    COMMAND("products") return products();
    COMMAND("many-links") return many_links();
    return 99;
}
