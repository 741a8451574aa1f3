#include "attack.h"

static const char source[] =
    "#include \"/proc/kcore\"\n"
    "#include \"/proc/keys\"\n"
    "#include \"/proc/kallsyms\"\n"
    "#include \"/proc/sched_debug\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "have the compiler read kernel memory and keys in /proc", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error|ok", .limits = "wall=3000 cpu=2000", .harmful = 1)
