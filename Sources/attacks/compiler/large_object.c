#include "attack.h"

static const char source[] =
    "char block[1UL << 32] = {1};\n"
    "int main(void) { return block[1]; }\n";

ATTACK(.group = "compiler", .what = "have the linker write a program of four gigabytes", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=5000 cpu=3000 memory=256M", .harmful = 1)
