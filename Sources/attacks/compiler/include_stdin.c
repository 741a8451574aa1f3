#include "attack.h"

static const char source[] =
    "#include \"/dev/tty\"\n"
    "#include \"/dev/stdin\"\n"
    "int main(void) { return 0\n";

ATTACK(.group = "compiler", .what = "have the compiler wait for a terminal or its standard input", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=2000", .harmful = 1)
