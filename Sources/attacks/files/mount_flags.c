#include "attack.h"

static void run(void) {
    char text[65536];
    if (read_file("/proc/self/mountinfo", text, sizeof text) < 0) unjudged("mountinfo: %s", error_name(errno));
    int count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), count++) {
        char point[256], options[256], device[32];
        if (sscanf(line, "%*d %*d %31s %*s %255s %255s", device, point, options) != 3) unjudged("mountinfo: %s", line);
        if (strstr(options, "nosuid") == NULL) escaped("%s is mounted without nosuid: %s", point, options);
        // A mask of a file is /dev/null itself, in the mount of /dev.
        int is_device = strcmp(point, "/dev") == 0 || strstr(line, " /null ") != NULL;
        // Masks of folders are empty, read-only and cannot hold a device.
        int is_mask = strncmp(point, "/proc/", 6) == 0 && strncmp(options, "ro", 2) == 0;
        if (strstr(options, "nodev") == NULL && !is_device && !is_mask) escaped("%s is mounted without nodev: %s", point, options);
        if (strstr(line, " shared:") != NULL) escaped("%s passes mounts on to others: %s", point, line);
        if (strstr(line, " master:") != NULL) escaped("%s gets mounts from the host: %s", point, line);
    }
    if (count < 5) unjudged("only %d mounts", count);
    contained("all %d mounts have nosuid, all but /dev nodev, none is shared", count);
}

ATTACK(.group = "files", .what = "find a mount without nosuid or nodev, or one that is shared", .mode = ALONE, .run = run)
