#include "attack.h"

static const char source[] =
    "#pragma GCC optimize(\"-fplugin=/tmp/evil.so\")\n"
    "#pragma GCC diagnostic ignored \"-Wall\"\n"
    "__attribute__((constructor)) static void before(void) {}\n"
    "int main(void) { return 3; }\n";

ATTACK(.group = "compiler", .what = "run code inside the compiler by a plugin or another linker", .mode = SOURCE, .language = "c", .source = source,
       .expect = "ok|nonzero_exit|compile_error", .never = "ESCAPED", .limits = "wall=5000", .harmful = 1)
