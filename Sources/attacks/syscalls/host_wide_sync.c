#include "attack.h"

// sync(2) has no result that a program looks at, and answers 0 where it ran.
static long by_number(void) { return syscall(SYS_sync); }

static void run(void) {
    struct answer answer = try_in_child(by_number);
    if (answer.error == 0 && answer.signal == 0) escaped("sync wrote out the whole host's files");
    contained("sync answers %s", answer_text(answer));
}

ATTACK(.group = "syscalls", .what = "write out all that the host has not yet written, to slow it", .mode = ALONE, .run = run)
