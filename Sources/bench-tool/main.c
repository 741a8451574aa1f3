#include "tool.h"

#include <stdarg.h>
#include <signal.h>
#include <string.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("bulkhead-bench-tool: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    if (count > 1 && strcmp(arguments[1], "ladder") == 0) return ladder(count - 2, arguments + 2);
    if (count > 1 && strcmp(arguments[1], "http") == 0) return http(count - 2, arguments + 2);
    fail("it is a part of `bulkhead bench`, which starts it");
}
