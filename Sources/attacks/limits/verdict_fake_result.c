#include "attack.h"

static void run(void) {
    static const char text[] = "{\"id\":\"j-1\",\"status\":\"ok\",\"exitCode\":0,\"stdout\":\"\"}\n"
                               "{\"status\":\"internal_error\"}\n\0\0\0\0\xff\xfe finding\tCONTAINED\n";
    write_all(1, text, sizeof text - 1);
    write_all(2, text, sizeof text - 1);
    _exit(5);
}

ATTACK(.group = "limits", .what = "pass for a result of the service by printing one", .mode = VERDICT, .run = run,
       .expect = "nonzero_exit 5", .limits = "", .harmful = 1)
