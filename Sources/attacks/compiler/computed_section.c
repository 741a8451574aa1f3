#include "attack.h"

static const char source[] =
    "__asm__(\".section .note.GNU-stack,\\\"awx\\\",@progbits\\n.org 0x40000000\\n.byte 0\\n\");\n"
    "int main(void) { return 3; }\n";

ATTACK(.group = "compiler", .what = "have the linker place the program over its own headers", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error|nonzero_exit|signaled|ok", .limits = "wall=5000 memory=256M", .harmful = 1)
