#include "attack.h"

// Counters of a network namespace that is used again tell of the job before.
static const char *const tables[] = {"/proc/net/dev", "/proc/net/snmp", "/proc/net/netstat", "/proc/net/sockstat", "/proc/net/unix", "/proc/net/snmp6", "/proc/net/protocols"};

static void digest(char *text, size_t size) {
    static char table[65536];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        ssize_t got = read_file(tables[i], table, sizeof table);
        uint64_t hash = 1469598103934665603u;
        for (ssize_t j = 0; j < got; j++) hash = (hash ^ (unsigned char)table[j]) * 1099511628211u;
        // Memory pages of all networks together stand there; the numbers of this one do not change by them.
        if (strcmp(tables[i], "/proc/net/protocols") == 0 || strcmp(tables[i], "/proc/net/sockstat") == 0) hash = 0;
        length += (size_t)snprintf(text + length, size - length, "%llx,", (unsigned long long)hash);
    }
}

static void use(void) {
    char text[512];
    digest(text, sizeof text);
    memo(text);
    // Whatever may be sent moves a counter: packets that go nowhere, sockets of every kind that can be had.
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        for (int turn = 0; turn < 20; turn++) {
            int fd = socket(families[i], SOCK_DGRAM, 0);
            struct sockaddr_storage address = {.ss_family = (sa_family_t)families[i]};
            if (fd >= 0) sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address);
        }
    }
    contained("it did what moves counters");
}

static void look(void) {
    char text[512];
    digest(text, sizeof text);
    if (strcmp(text, given("MEMO")) != 0) escaped("counters in /proc/net are not what they were before the other job: %s", text);
    contained("counters in /proc/net are as they were before");
}

ATTACK(.group = "neighbours", .what = "learn from network counters what the job before it did", .mode = SEQUEL, .run = use, .second = look)
