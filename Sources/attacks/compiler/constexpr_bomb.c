#include "attack.h"

static const char source[] =
    "constexpr unsigned long spin(unsigned long n) { unsigned long x = n; for (unsigned long i = 0; i < 1000; i++) for (unsigned long j = 0; j < 200000; j++) x = x * 31 + j; return x; }\n"
    "template <unsigned long N> struct S { static constexpr unsigned long value = spin(N) + S<N - 1>::value; };\n"
    "template <> struct S<0> { static constexpr unsigned long value = 1; };\n"
    "int main() { constexpr unsigned long x = S<500>::value; return x == 1; }\n";

ATTACK(.group = "compiler", .what = "have the compiler run a loop that does not end", .mode = SOURCE, .language = "c++", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=1000", .harmful = 1)
