#include "attack.h"

static const char source[] =
    "#define A(x) ((((((((((x))))))))))\n"
    "#define B(x) A(A(A(A(A(A(A(A(A(A(x))))))))))\n"
    "#define C(x) B(B(B(B(B(B(B(B(B(B(x))))))))))\n"
    "int main(void) { return C(C(C(C(0)))); }\n";

ATTACK(.group = "compiler", .what = "overflow the compiler's stack by nesting", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error|ok", .limits = "wall=5000 cpu=2000 memory=256M", .harmful = 1)
