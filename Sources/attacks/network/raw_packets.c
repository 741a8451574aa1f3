#include "attack.h"

static long packets(void) { return socket(AF_PACKET, SOCK_RAW, 0x0300 /* ETH_P_ALL */); }
static long raw_ip(void) { return socket(AF_INET, SOCK_RAW, 255); }
static long ping(void) { return socket(AF_INET, SOCK_DGRAM, 1 /* ICMP */); }
static long netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0 /* ROUTE */); }
static long uevents(void) { return socket(AF_NETLINK, SOCK_DGRAM, 15); }
static long audit(void) { return socket(AF_NETLINK, SOCK_RAW, 9); }
static long netfilter(void) { return socket(AF_NETLINK, SOCK_RAW, 12); }
static long xdp(void) { return socket(44, SOCK_RAW, 0); }
static long keys(void) { return socket(15 /* AF_KEY */, SOCK_RAW, 2); }
static long mptcp(void) { return socket(AF_INET, SOCK_STREAM, 262); }

static void run(void) {
    static const struct named_call calls[] = {{"AF_PACKET", packets}, {"raw IP", raw_ip},      {"ICMP", ping},         {"route netlink", netlink}, {"uevents", uevents},
                                              {"audit", audit},       {"netfilter", netfilter}, {"AF_XDP", xdp},       {"AF_KEY", keys},           {"MPTCP", mptcp}};
    ALL_REFUSED(calls);
}

ATTACK(.group = "network", .what = "open raw, netlink or packet sockets", .mode = ALONE, .run = run)
