#include "attack.h"

static const char source[] =
    "#define A(x) x x x x x x x x\n"
    "#define B(x) A(A(A(A(x))))\n"
    "#define C(x) B(x)\n"
    "int main(void) { C(undeclared_name_of_some_length_that_is_repeated(1, 2, 3); \"x\" + ; ) return 0; }\n";

ATTACK(.group = "compiler", .what = "have the compiler write diagnostics without end", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=5000 cpu=2000 memory=256M", .harmful = 1)
