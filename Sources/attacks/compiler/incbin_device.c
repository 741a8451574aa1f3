#include "attack.h"

static const char source[] =
    "__asm__(\".incbin \\\"/dev/zero\\\"\\n\");\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "build /dev/zero into the program by .incbin", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=2000 memory=128M", .harmful = 1)
