#include "attack.h"

static long set_user(void) { return syscall(SYS_setuid, 0); }
static long set_group(void) { return syscall(SYS_setgid, 0); }
static long set_all_users(void) { return syscall(SYS_setresuid, 0, 0, 0); }
static long set_all_groups(void) { return syscall(SYS_setresgid, 0, 0, 0); }
static long set_neighbour(void) { return syscall(SYS_setuid, 1001); }
// Answers the former id and never an error; what counts is what is in force afterwards.
static long set_file_user(void) {
    syscall(SYS_setfsuid, 0);
    if (syscall(SYS_setfsuid, -1) == 0) return 0;
    errno = EPERM;
    return -1;
}

static void run(void) {
    if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0) escaped("the job is root where it is");
    static const struct named_call calls[] = {{"setuid", set_user},           {"setgid", set_group},
                                              {"setresuid", set_all_users},   {"setresgid", set_all_groups},
                                              {"setuid 1001", set_neighbour}, {"setfsuid", set_file_user}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "identity", .what = "become root or another user by setuid and its kin", .mode = ALONE, .run = run)
