#include "attack.h"

static const char source[] =
    "#pragma GCC dependency \"/etc/passwd\"\n"
    "#line 1 \"/etc/attacked.c\"\n"
    "int main(void) { return 3; }\n";

ATTACK(.group = "compiler", .what = "have the compiler write a file elsewhere by its output names", .mode = SOURCE, .language = "c", .source = source,
       .expect = "ok|compile_error|nonzero_exit", .limits = "wall=5000", .harmful = 1)
