#include "attack.h"

static const char source[] =
    "#include \"/etc/shadow\"\n"
    "int main(void) { return 0; }\n";

ATTACK(.group = "compiler", .what = "read the password file in the compiler's diagnostics", .mode = SOURCE, .language = "c", .source = source,
       .expect = "compile_error", .says = "No such file or directory|Permission denied", .never = "root:$|root:*:|root:!", .harmful = 1)
