#define _GNU_SOURCE
#include "include/CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

int32_t bk_terminal_slave(int32_t master) {
    int locked = 0;
    if (ioctl(master, TIOCSPTLCK, &locked) < 0) return -errno;
    // By descriptor: no name of it has to be looked up, and none has to exist.
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return slave < 0 ? -errno : slave;
}
int32_t bk_terminal_take(int32_t fd) { return ioctl(fd, TIOCSCTTY, 0) < 0 ? -errno : 0; }
int32_t bk_terminal_size(int32_t fd, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
int32_t bk_terminal_resize(int32_t fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
