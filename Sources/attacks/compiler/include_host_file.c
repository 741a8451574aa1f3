#include "attack.h"

static const char source[] =
    "#include \"/root/.ssh/id_rsa\"\n"
    "#include \"/proc/1/environ\"\n"
    "#include \"/proc/1/cmdline\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "read a file of the host in the compiler's diagnostics", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .says = "No such file or directory|Permission denied", .harmful = 1)
