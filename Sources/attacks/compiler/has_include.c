#include "attack.h"

static const char source[] =
    "#if __has_include(\"/var/lib/bulkhead/images\") || __has_include(\"/proc/1/status\") || __has_include(\"/run/bulkhead/instances\")\n"
    "#error ESCAPED\n"
    "#endif\n"
    "#include <stdio.h>\n"
    "int main(void) { puts(\"nothing is there\"); return 0; }\n";

ATTACK(.group = "compiler", .what = "ask the compiler which files of the host exist", .mode = SOURCE, .language = "c", .source = source,
       .expect = "ok|compile_error", .says = "nothing is there", .never = "ESCAPED", .harmful = 1)
