#include "attack.h"

static long number;
static long by_number(void) { return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L); }

// Not 335 and 336: the kernel's own uretprobe and uprobe pass every filter by, and end whoever calls them himself.
static void run(void) {
    static const long numbers[] = {-1, 386, 423, 480, 500, 511, 512, 547, 600, 1000, 4096, 0x3fffffff, 0x7fffffff};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        number = numbers[i];
        struct answer answer = try_in_child(by_number);
        if (answer.error != ENOSYS && answer.error != EPERM && answer.signal != SIGSYS) {
            escaped("call %ld answered %s", number, answer_text(answer));
        }
    }
    contained("%zu numbers that no list has answer ENOSYS", sizeof numbers / sizeof *numbers);
}

ATTACK(.group = "syscalls", .what = "make calls that are newer than the list, or have no meaning", .mode = ALONE, .run = run)
