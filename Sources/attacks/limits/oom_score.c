#include "attack.h"

static void run(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd >= 0 && write(fd, "-1000", 5) == 5) escaped("the kernel would choose anybody else");
    int error = errno;
    char text[32];
    if (read_file("/proc/self/oom_score_adj", text, sizeof text) < 0) unjudged("oom_score_adj: %s", error_name(errno));
    if (atoi(text) < 0) escaped("its score is %d: the kernel would choose the host's processes first", atoi(text));
    contained("its score is %d, and lowering it answers %s", atoi(text), error_name(error));
}

ATTACK(.group = "limits", .what = "be the last that the kernel ends for want of memory", .mode = ALONE, .run = run)
