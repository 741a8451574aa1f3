#include "attack.h"

static const char source[] =
    "template <int N, int M> struct F { enum { value = F<N - 1, M>::value + F<N - 1, M + 1>::value + F<N - 2, M * 2>::value }; };\n"
    "template <int M> struct F<0, M> { enum { value = 1 }; };\n"
    "template <int M> struct F<-1, M> { enum { value = 1 }; };\n"
    "int main() { return F<800, 1>::value; }\n";

ATTACK(.group = "compiler", .what = "have templates instantiate each other without end", .mode = SOURCE, .language = "c++", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=1000 memory=256M", .harmful = 1)
