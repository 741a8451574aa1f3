/// How the stricter policies differ from what default.json lets through whatever the arguments (``ExpectedCalls/allowed``).
enum StricterCalls {
    /// What compiled.json takes away, by the errno that it answers with instead; `timer_create` is decided by its clock.
    static let withdrawnFromCompiled: [UInt32: [String]] = [
        1: [
            "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
            "sched_setparam", "sched_setscheduler", "sched_setattr", "ioprio_set",
        ],
        22: [
            "splice"
        ],
        38: [
            "tee", "vmsplice", "getxattrat", "listxattrat", "setxattrat", "removexattrat", "shmget", "shmat",
            "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
            "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "openat2",
            "futimesat", "syncfs", "sync_file_range", "readahead", "mincore", "mlock2", "remap_file_pages",
            "memfd_create", "mseal", "map_shadow_stack", "pkey_alloc", "pkey_free", "pkey_mprotect", "execveat",
            "get_robust_list", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "capget", "signalfd",
            "eventfd", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "sendmmsg",
            "recvmmsg", "ioprio_get", "sched_getattr", "sched_rr_get_interval",
        ],
        95: [
            "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
        ],
    ]

    /// All that compiler.json lets through whatever the arguments.
    static let allowedToCompilers: Set<String> = [
        "read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap", "mprotect", "munmap",
        "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "pread64", "pwrite64", "readv", "writev", "access",
        "pipe", "select", "sched_yield", "mremap", "msync", "madvise", "dup", "dup2", "nanosleep", "getpid",
        "sendfile", "getsockname", "getsockopt", "fork", "vfork", "execve", "exit", "wait4", "kill", "uname", "flock",
        "fsync", "truncate", "ftruncate", "getdents", "getcwd", "chdir", "fchdir", "rename", "mkdir", "rmdir",
        "creat", "link", "unlink", "symlink", "readlink", "chmod", "fchmod", "umask", "gettimeofday", "getrlimit",
        "getrusage", "sysinfo", "times", "getuid", "getgid", "geteuid", "getegid", "getppid", "getpgrp",
        "sigaltstack", "statfs", "fstatfs", "arch_prctl", "setrlimit", "gettid", "tkill", "time", "futex",
        "sched_getaffinity", "getdents64", "set_tid_address", "restart_syscall", "clock_gettime", "clock_getres",
        "clock_nanosleep", "exit_group", "epoll_wait", "epoll_ctl", "tgkill", "utimes", "waitid", "openat", "mkdirat",
        "newfstatat", "unlinkat", "renameat", "linkat", "symlinkat", "readlinkat", "fchmodat", "faccessat",
        "pselect6", "ppoll", "set_robust_list", "utimensat", "epoll_pwait", "fallocate", "eventfd2", "epoll_create1",
        "dup3", "pipe2", "prlimit64", "getcpu", "renameat2", "getrandom", "membarrier", "copy_file_range", "statx",
        "rseq", "pidfd_send_signal", "pidfd_open", "close_range", "faccessat2",
    ]

    /// What compiler.json refuses with EPERM besides ``ExpectedCalls/denied``.
    static let refusedToCompilers: Set<String> = [
        "chown", "fchown", "lchown", "fchownat", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
        "setfsuid", "setfsgid", "mknod", "mknodat", "personality", "sched_setparam", "sched_setscheduler",
        "sched_setattr", "ioprio_set", "setsockopt",
    ]
}
