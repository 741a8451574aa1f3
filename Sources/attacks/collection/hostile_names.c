#include "attack.h"

#include "tree.h"

static void run(void) {
    tree("good.txt", "good");
    static const char *const names[] = {"-rf", "$(id)", "a\nb", "\x1b[2J", "%s%n", "..a", "a\\..\\b", "\xff\xfe", "\"quoted\"", "nul\x7f", "\u202egpj.exe", "CON", "a:b", "~", "*", "{}", "<script>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) tree(names[i], "x");
    char longest[256];
    memset(longest, 97, 255);
    longest[255] = 0;
    tree(longest, "x");
}

ATTACK(.group = "collection", .what = "break who reads the names: dashes, quotes, control characters, no UTF-8", .mode = COLLECT, .run = run,
       .expect = "ok", .collect = "out/**", .harmful = 1)
