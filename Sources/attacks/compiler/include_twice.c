#include "attack.h"

static const char source[] =
    "#if __INCLUDE_LEVEL__ < 190\n"
    "#include \"main.c\"\n"
    "#include \"main.c\"\n"
    "#endif\n";

ATTACK(.group = "compiler", .what = "include itself twice on every level, for two to the power of 200 files", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .limits = "wall=3000 cpu=1000", .harmful = 1)
