// The parts of `bulkhead bench` that must be thin: a client that shares the machine with the service it measures, and
// processes that are started with one layer of isolation and nothing of ours around it.
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int ladder(int count, char **arguments);
int http(int count, char **arguments);

// CLOCK_MONOTONIC in nanoseconds.
static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Ends this program with a line to its standard error.
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

#endif
