#include "attack.h"

// Who may switch its own barriers off, or join another's core, widens what a side channel can read.
static long disable_barrier(void) { return prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 0, 0); }
static long share_core(void) { return prctl(62 /* PR_SCHED_CORE */, 3 /* SHARE_FROM */, 1, 0, 0); }
static long make_core(void) { return prctl(62, 1 /* CREATE */, 0, 0, 0); }
static long move_layout(void) { return prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0); }

static void run(void) {
    static const struct named_call calls[] = {{"PR_SET_SPECULATION_CTRL", disable_barrier},
                                              {"PR_SCHED_CORE share", share_core},
                                              {"PR_SCHED_CORE create", make_core},
                                              {"PR_SET_MM", move_layout}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "identity", .what = "switch off speculation barriers or choose whom to share a core with", .mode = ALONE,
       .run = run)
