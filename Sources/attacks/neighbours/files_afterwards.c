#include "attack.h"

static const char *const paths[] = {"/tmp/meeting-point", "/box/meeting-point", "/dev/shm/shm-meeting-point", "/tmp/.hidden/deep/file"};

static void leave(void) {
    mkdir("/tmp/.hidden", 0777);
    mkdir("/tmp/.hidden/deep", 0777);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = open(paths[i], O_WRONLY | O_CREAT, 0666);
        if (fd < 0 || write_all(fd, "hello", 5) < 0) unjudged("%s: %s", paths[i], error_name(errno));
    }
    memo("left");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[16];
        if (read_file(paths[i], text, sizeof text) != 5 || strcmp(text, "hello") != 0) escaped("%s was changed", paths[i]);
    }
    contained("its files are as it wrote them");
}

static void look(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (access(paths[i], F_OK) == 0) escaped("another job's %s is there", paths[i]);
        int fd = open(paths[i], O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd < 0 && errno != ENOENT) unjudged("%s: %s", paths[i], error_name(errno));
    }
    DIR *folder = opendir("/tmp");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strstr(entry->d_name, "meeting-point") == NULL) escaped("/tmp/%s is there", entry->d_name);
    }
    contained("/tmp, /box and /dev/shm are its own and empty");
}

ATTACK(.group = "neighbours", .what = "find the files of the job before it in /tmp, /box and /dev/shm", .mode = SEQUEL, .run = leave, .second = look)
