#include "attack.h"

static const char source[] =
    "__asm__(\".incbin \\\"/root/.ssh/id_rsa\\\"\\n.incbin \\\"/etc/shadow\\\"\\n\");\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "build a file of the host into the program by .incbin", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .says = "file not found|No such file|not found: /root|can't open", .harmful = 1)
