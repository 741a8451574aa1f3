#include "attack.h"

static const char source[] =
    "#include \"/proc/self/environ\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "read the service's environment in the compiler's own", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error|ok", .never = "REDIS|BULKHEAD|ATTACK|SUDO|LD_LIBRARY", .harmful = 1)
