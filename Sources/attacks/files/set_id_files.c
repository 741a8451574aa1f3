#include "attack.h"

#include <sys/xattr.h>

static int seen;

static void walk(const char *path, int depth) {
    DIR *folder = opendir(path);
    if (folder == NULL || depth > 32) return;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char name[PATH_MAX], capability[64];
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &status) < 0) continue;
        seen++;
        if (S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0) escaped("%s is set-id (%o)", name, status.st_mode);
        if (S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0 && lgetxattr(name, "security.capability", capability, sizeof capability) > 0) {
            escaped("%s has file capabilities", name);
        }
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            // An overlay shows no whiteouts, so any device here is one.
            escaped("%s is a device, %u:%u", name, major(status.st_rdev), minor(status.st_rdev));
        }
        if (S_ISDIR(status.st_mode)) walk(name, depth + 1);
    }
    closedir(folder);
}

static void run(void) {
    DIR *root = opendir("/");
    if (root == NULL) unjudged("/: %s", error_name(errno));
    struct dirent *entry;
    while ((entry = readdir(root)) != NULL) {
        static const char *const skipped[] = {".", "..", "proc", "dev", "tmp", "box", "sys"};
        int skip = entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN;
        for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) skip |= strcmp(entry->d_name, skipped[i]) == 0;
        char path[300];
        snprintf(path, sizeof path, "/%s", entry->d_name);
        if (!skip) walk(path, 0);
    }
    if (seen < 100) unjudged("only %d files were seen", seen);
    contained("none among the image's %d entries", seen);
}

ATTACK(.group = "files", .what = "find a set-id program, a file capability or a device in the image", .mode = ALONE, .run = run)
