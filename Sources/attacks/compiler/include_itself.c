#include "attack.h"

static const char source[] =
    "#include \"main.c\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "include itself without end", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .says = "nested depth|nested too deeply", .harmful = 1)
