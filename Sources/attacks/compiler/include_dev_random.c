#include "attack.h"

static const char source[] =
    "#include \"/dev/urandom\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "have the compiler read /dev/urandom without end", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=2000 memory=128M", .harmful = 1)
