// Starts a static program with chosen layers of isolation, one process at a time, and says what each took. As root.
//
//   bulkhead-bench-tool ladder IMAGE FILTER CGROUP…
//
// IMAGE is a folder that holds the program as `exit`, and the empty folders `proc` and `tmp`; FILTER a file with a
// compiled seccomp filter; each CGROUP a folder that this program may make control groups in: one of cgroup v2, or three
// of v1 with the memory, pids and cpu controllers.
//
// Each line of standard input, `COUNT LAYER…`, is answered by a line with COUNT pairs `WALL:CPU` in nanoseconds: from
// before the clone until the process was reaped and what was made for it outside is removed; CPU time of both processes,
// user and system. A layer that cannot be had is answered by `error STEP: REASON`.
//
// The child shares this process's memory until it executes the program, as posix_spawn(3) has it: what a fork copies would
// cost more than most layers do.
#define _GNU_SOURCE
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LAYER_NETWORK_PREPARED = 1 << 0,
    LAYER_ROOT = 1 << 1,
    LAYER_PROC = 1 << 2,
    LAYER_TMP = 1 << 3,
    LAYER_CGROUP = 1 << 4,
    LAYER_USER = 1 << 5,
    LAYER_CAPABILITIES = 1 << 6,
    LAYER_LIMITS = 1 << 7,
    LAYER_FILTER = 1 << 8,
};

static const struct {
    const char *name;
    int clone_flags;
    unsigned layer;
} layers[] = {
    {"pid", CLONE_NEWPID, 0},
    {"mnt", CLONE_NEWNS, 0},
    {"ipc", CLONE_NEWIPC, 0},
    {"uts", CLONE_NEWUTS, 0},
    {"cgroupns", CLONE_NEWCGROUP, 0},
    {"net", CLONE_NEWNET, 0},
    {"netready", 0, LAYER_NETWORK_PREPARED},
    {"root", 0, LAYER_ROOT},
    {"proc", 0, LAYER_PROC},
    {"tmp", 0, LAYER_TMP},
    {"cgroup", 0, LAYER_CGROUP},
    {"user", 0, LAYER_USER},
    {"caps", 0, LAYER_CAPABILITIES},
    {"limits", 0, LAYER_LIMITS},
    {"filter", 0, LAYER_FILTER},
};

enum { MOST_GROUPS = 3, STACK = 256 << 10, MOST_INSTRUCTIONS = 4096, INSIDE_USER = 1000, OUTSIDE_USER = 65534 };

static const char *image;
static char program[4096], proc_point[4096], tmp_point[4096];
static struct sock_filter instructions[MOST_INSTRUCTIONS];
static struct sock_fprog filter = {.filter = instructions};
static int group_folders[MOST_GROUPS];
static int group_count;
static int user_namespace = -1, network_namespace = -1;

// What the child does, and where it failed: it shares this memory.
static struct {
    unsigned layers;
    int procs[MOST_GROUPS];
    const char *volatile step;
    volatile int error;
} task;

static int failed(const char *step) {
    task.step = step;
    task.error = errno;
    return 1;
}

static int drop_capabilities(void) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return -1;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// The limits that every job of the engine gets, a session of its own, and no descriptor beyond the first three.
static int set_limits(void) {
    static const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_CORE, 1},     {RLIMIT_MEMLOCK, 64 << 10}, {RLIMIT_MSGQUEUE, 819200}, {RLIMIT_RTPRIO, 0},
        {RLIMIT_NICE, 0},     {RLIMIT_SIGPENDING, 1024},  {RLIMIT_STACK, 8 << 20},   {RLIMIT_FSIZE, 16 << 20},
        {RLIMIT_NOFILE, 256},
    };
    for (size_t index = 0; index < sizeof limits / sizeof *limits; index++) {
        struct rlimit limit;
        if (getrlimit(limits[index].resource, &limit) != 0) return -1;
        if (limits[index].value < limit.rlim_max) limit.rlim_max = limits[index].value;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(limits[index].resource, &limit) != 0) return -1;
    }
    if (setsid() < 0) return -1;
    return (int)syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
}

// In the order in which the engine does it: each step needs what a later one takes away.
static int child(void *unused) {
    (void)unused;
    const unsigned wanted = task.layers;
    if (wanted & LAYER_CGROUP) {
        for (int index = 0; index < group_count; index++) {
            if (write(task.procs[index], "0", 1) != 1) return failed("join the control group");
        }
    }
    if (wanted & LAYER_NETWORK_PREPARED && setns(network_namespace, CLONE_NEWNET) != 0) return failed("setns network");
    if (wanted & LAYER_ROOT) {
        if (mount(image, image, NULL, MS_BIND, NULL) != 0) return failed("bind the root");
        if (mount(NULL, image, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) {
            return failed("make the root read-only");
        }
        if (chdir(image) != 0) return failed("chdir");
        if (syscall(SYS_pivot_root, ".", ".") != 0) return failed("pivot_root");
        if (umount2(".", MNT_DETACH) != 0) return failed("detach the old root");
        if (chdir("/") != 0) return failed("chdir");
    }
    const char *proc = wanted & LAYER_ROOT ? "/proc" : proc_point, *tmp = wanted & LAYER_ROOT ? "/tmp" : tmp_point;
    if (wanted & LAYER_PROC && mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
        return failed("mount proc");
    }
    if (wanted & LAYER_TMP && mount("tmpfs", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777") != 0) {
        return failed("mount tmpfs");
    }
    if (wanted & LAYER_USER) {
        // setgroups is denied in the namespace.
        if (setgroups(0, NULL) != 0) return failed("setgroups");
        if (setns(user_namespace, CLONE_NEWUSER) != 0) return failed("setns user");
        // The library's functions would change every thread of this memory.
        if (syscall(SYS_setresgid, INSIDE_USER, INSIDE_USER, INSIDE_USER) != 0) return failed("setresgid");
        if (syscall(SYS_setresuid, INSIDE_USER, INSIDE_USER, INSIDE_USER) != 0) return failed("setresuid");
    }
    if (wanted & LAYER_CAPABILITIES && drop_capabilities() != 0) return failed("drop capabilities");
    if (wanted & LAYER_LIMITS && set_limits() != 0) return failed("limits");
    if (wanted & LAYER_FILTER && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
        return failed("load the filter");
    }
    const char *path = wanted & LAYER_ROOT ? "/exit" : program;
    char *arguments[] = {(char *)path, NULL};
    char *environment[] = {NULL};
    execve(path, arguments, environment);
    return failed("execve");
}

// MARK: what is made outside of the child

static const char *const group_name = "job";

static int write_file(int folder, const char *name, const char *value) {
    int file = openat(folder, name, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = write(file, value, strlen(value));
    int error = errno;
    close(file);
    errno = error;
    return count < 0 ? -1 : 0;
}

static int make_groups(void) {
    static const char *const legacy[MOST_GROUPS][2] = {
        {"memory.limit_in_bytes", "134217728"}, {"pids.max", "64"}, {"cpu.cfs_quota_us", "100000"}};
    static const char *const unified[][2] = {{"memory.max", "134217728"}, {"pids.max", "64"}, {"cpu.max", "100000 100000"}};
    for (int index = 0; index < group_count; index++) {
        if (mkdirat(group_folders[index], group_name, 0755) != 0) return -1;
        int group = openat(group_folders[index], group_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (group < 0) return -1;
        if (group_count == 1) {
            for (size_t limit = 0; limit < sizeof unified / sizeof *unified; limit++) {
                if (write_file(group, unified[limit][0], unified[limit][1]) != 0) return -1;
            }
        } else if (write_file(group, legacy[index][0], legacy[index][1]) != 0) {
            return -1;
        }
        task.procs[index] = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        close(group);
        if (task.procs[index] < 0) return -1;
    }
    return 0;
}

static int remove_groups(void) {
    int result = 0;
    for (int index = 0; index < group_count; index++) {
        if (task.procs[index] >= 0) close(task.procs[index]);
        task.procs[index] = -1;
        if (unlinkat(group_folders[index], group_name, AT_REMOVEDIR) != 0 && errno != ENOENT) result = -1;
    }
    return result;
}

static uint64_t cpu(const struct rusage *usage) {
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000u;
}

// Runs the program once. Returns 0, or -1 with `task.step` and `task.error`.
static int once(int clone_flags, void *stack, uint64_t *wall, uint64_t *spent) {
    struct rusage before, after, of_child;
    task.step = NULL;
    getrusage(RUSAGE_SELF, &before);
    uint64_t start = now();
    if (task.layers & LAYER_CGROUP && make_groups() != 0) {
        failed("make the control group");
        remove_groups();
        return -1;
    }
    int status = 0;
    pid_t pid = clone(child, (char *)stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD | clone_flags, NULL);
    if (pid < 0) failed("clone");
    while (pid > 0 && wait4(pid, &status, 0, &of_child) < 0) {
        if (errno != EINTR) fail("wait4: %s", strerror(errno));
    }
    if (task.layers & LAYER_CGROUP && remove_groups() != 0 && !task.step) failed("remove the control group");
    *wall = now() - start;
    getrusage(RUSAGE_SELF, &after);
    if (task.step) return -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        errno = ECHILD;
        failed("the program itself");
        return -1;
    }
    *spent = cpu(&of_child) + cpu(&after) - cpu(&before);
    return 0;
}

// MARK: what is prepared once

// A namespace made by a child that has ended again: held by its descriptor.
static int prepared(int flag, const char *name) {
    int ready[2], done[2];
    char byte = 0, path[64];
    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(done, O_CLOEXEC) != 0) fail("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) fail("fork: %s", strerror(errno));
    if (pid == 0) {
        if (unshare(flag) != 0) _exit(1);
        close(done[1]);
        if (write(ready[1], "r", 1) != 1) _exit(1);
        _exit(read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) fail("cannot make a %s namespace", name);
    if (flag == CLONE_NEWUSER) {
        static const char *const maps[] = {"uid_map", "gid_map"};
        for (int index = 0; index < 2; index++) {
            char map[64];
            snprintf(path, sizeof path, "/proc/%d/%s", pid, maps[index]);
            snprintf(map, sizeof map, "%d %d 1", INSIDE_USER, OUTSIDE_USER);
            if (write_file(AT_FDCWD, path, map) != 0) fail("%s: %s", path, strerror(errno));
        }
    }
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0) fail("%s: %s", path, strerror(errno));
    close(ready[0]);
    close(done[0]);
    close(done[1]);
    waitpid(pid, NULL, 0);
    return namespace;
}

static void read_filter(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("%s: %s", path, strerror(errno));
    ssize_t count = read(file, instructions, sizeof instructions);
    close(file);
    if (count <= 0 || count % (ssize_t)sizeof *instructions != 0) fail("%s is no filter", path);
    filter.len = (unsigned short)(count / (ssize_t)sizeof *instructions);
}

int ladder(int count, char **arguments) {
    if (count != 3 && count != 2 + MOST_GROUPS) fail("usage: ladder IMAGE FILTER CGROUP…");
    image = arguments[0];
    snprintf(program, sizeof program, "%s/exit", image);
    snprintf(proc_point, sizeof proc_point, "%s/proc", image);
    snprintf(tmp_point, sizeof tmp_point, "%s/tmp", image);
    read_filter(arguments[1]);
    group_count = count - 2;
    for (int index = 0; index < group_count; index++) {
        task.procs[index] = -1;
        group_folders[index] = open(arguments[2 + index], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (group_folders[index] < 0) fail("%s: %s", arguments[2 + index], strerror(errno));
    }
    user_namespace = prepared(CLONE_NEWUSER, "user");
    network_namespace = prepared(CLONE_NEWNET, "net");
    void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) fail("mmap: %s", strerror(errno));

    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        char *rest = line, *word = strsep(&rest, " \n");
        long rounds = strtol(word, NULL, 10);
        int clone_flags = 0;
        task.layers = 0;
        while ((word = strsep(&rest, " \n"))) {
            if (!*word) continue;
            size_t index = 0;
            while (index < sizeof layers / sizeof *layers && strcmp(layers[index].name, word) != 0) index++;
            if (index == sizeof layers / sizeof *layers) fail("no layer %s", word);
            clone_flags |= layers[index].clone_flags;
            task.layers |= layers[index].layer;
        }
        // Nothing is written in between: a reader that wakes up would share the processors with what is measured.
        static uint64_t results[10000][2];
        if (rounds < 1 || rounds > 10000) fail("from 1 to 10000 rounds");
        long round = 0;
        while (round < rounds && once(clone_flags, stack, &results[round][0], &results[round][1]) == 0) round++;
        if (round < rounds) {
            printf("error %s: %s\n", task.step, strerror(task.error));
        } else {
            for (round = 0; round < rounds; round++) {
                printf("%s%llu:%llu", round ? " " : "", (unsigned long long)results[round][0],
                       (unsigned long long)results[round][1]);
            }
            printf("\n");
        }
        fflush(stdout);
    }
    return 0;
}
