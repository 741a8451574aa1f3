#include "attack.h"

static void run(void) {
    char text[16384];
    int count = 0;
    if (read_file("/proc/net/dev", text, sizeof text) < 0) unjudged("/proc/net/dev: %s", error_name(errno));
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');
        if (colon == NULL) continue;
        *colon = 0;
        line += strspn(line, " ");
        // What the kernel makes by itself in every namespace, all of it down.
        static const char *const known[] = {"lo", "sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0", "teql0"};
        int expected = 0;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) expected |= strcmp(line, known[i]) == 0;
        if (!expected) escaped("there is an interface %s", line);
        count++;
    }
    if (read_file("/proc/net/route", text, sizeof text) >= 0) {
        char *second = strchr(text, '\n');
        if (second != NULL && second[1] != 0) escaped("there is a route: %.40s", second + 1);
    }
    // An address shows here for every interface that is up.
    if (read_file("/proc/net/if_inet6", text, sizeof text) > 0) escaped("an interface is up: %.60s", text);
    contained("%d interface, which is down, and no route", count);
}

ATTACK(.group = "network", .what = "find an interface that is up, or a route", .mode = ALONE, .run = run)
