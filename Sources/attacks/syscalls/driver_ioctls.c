#include "attack.h"

static void run(void) {
    static const struct raw_call calls[] = {
        CALL(ioctl, 0, 0x4b34 /* KDADDIO */, 0),
        CALL(ioctl, 0, 0x8912 /* SIOCGIFCONF */, NOWHERE),
        CALL(ioctl, 0, 0x400454ca /* TUNSETIFF */, NOWHERE),
        CALL(ioctl, 0, 0x40086602 /* FS_IOC_SETFLAGS */, NOWHERE),
        CALL(ioctl, 0, 0x1261 /* BLKFLSBUF */, 0),
        CALL(ioctl, 0, 0xae01 /* KVM_CREATE_VM */, 0),
        CALL(ioctl, 0, 0x5606 /* VT_ACTIVATE */, 1),
        CALL(ioctl, 0, 0xb701 /* NS_GET_USERNS */, 0),
    };
    REFUSED_BY_FILTER(calls);
}

ATTACK(.group = "syscalls", .what = "reach drivers and file systems by ioctl", .mode = ALONE, .run = run)
