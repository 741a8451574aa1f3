#include "attack.h"

#include <sys/mount.h>

static long file_system(void) { return mount("none", "/tmp", "tmpfs", 0, NULL); }
static long bind_over(void) { return mount("/tmp", "/etc", NULL, MS_BIND, NULL); }
static long process_files(void) { return mount("proc", "/tmp", "proc", 0, NULL); }
static long writable_root(void) { return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL); }
static long uncover_box(void) { return umount2("/box", MNT_DETACH); }
static long uncover_mask(void) { return umount2("/proc/kcore", MNT_DETACH); }
static long uncover_proc(void) { return umount2("/proc", MNT_DETACH); }
static long share(void) { return mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL); }
static long new_interface(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static long copy_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */ | 0x8000 /* RECURSIVE */); }

static void run(void) {
    static const struct named_call calls[] = {
        {"mount tmpfs", file_system},   {"bind over /etc", bind_over},   {"mount proc", process_files},
        {"remount / writable", writable_root}, {"uncover /box", uncover_box}, {"uncover /proc/kcore", uncover_mask},
        {"uncover /proc", uncover_proc}, {"share /", share},              {"fsopen", new_interface},
        {"open_tree", copy_tree}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "files", .what = "mount, remount or uncover something", .mode = ALONE, .run = run)
