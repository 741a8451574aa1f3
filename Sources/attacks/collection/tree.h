#ifndef TREE_H
#define TREE_H

#include "attack.h"

// Makes a file in out/, which is what is collected; fails the job where it cannot be made.
static inline void tree(const char *name, const char *text) {
    char path[4096];
    mkdir("out", 0755);
    snprintf(path, sizeof path, "out/%s", name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write_all(fd, text, strlen(text)) < 0) _exit(9);
    close(fd);
}

// For calls that must work, or the attack is none.
static inline void must(long result) {
    if (result < 0) _exit(9);
}

#endif
