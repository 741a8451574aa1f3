#include "attack.h"

static const char source[] =
    "#define A(x) x x x x x x x x x x\n"
    "#define B(x) A(A(A(x)))\n"
    "#define C(x) B(B(B(x)))\n"
    "#define D(x) C(C(x))\n"
    "int x[] = { D(1,) };\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "have the preprocessor write a million million words", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=1000 memory=256M", .harmful = 1)
