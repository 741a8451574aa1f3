#include "attack.h"

#include <sys/personality.h>

// Values that the kernel always takes.
static long no_randomisation(void) { return personality(ADDR_NO_RANDOMIZE); }
static long executable_data(void) { return personality(READ_IMPLIES_EXEC); }
static long page_zero(void) { return personality(MMAP_PAGE_ZERO); }
static long high_bits(void) { return syscall(SYS_personality, 1L << 32 | ADDR_NO_RANDOMIZE); }

static void run(void) {
    if (personality(0xffffffff) < 0) unjudged("personality cannot be asked: %s", error_name(errno));
    static const struct named_call calls[] = {{"ADDR_NO_RANDOMIZE", no_randomisation},
                                              {"READ_IMPLIES_EXEC", executable_data},
                                              {"MMAP_PAGE_ZERO", page_zero},
                                              {"ADDR_NO_RANDOMIZE with high bits", high_bits}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "syscalls", .what = "switch off address randomisation, or make its data executable", .mode = ALONE, .run = run)
