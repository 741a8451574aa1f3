/// What `AccuracyBench` runs: a program whose time and memory are known, because it measures or fixes them itself.
enum AccuracyProgram {
    /// The first argument says what to do. `sleep` and `spin` say the monotonic clock once, `tell` the CPU time used so far
    /// again and again. Where CPU time is burned, the nanoseconds that it says at the end are the sum of
    /// what every process read of its own CLOCK_PROCESS_CPUTIME_ID last, less what the clock showed at the start of main:
    /// that clock also counts what the process did before it was executed, as a parked job.
    static let source = #"""
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <time.h>
        #include <unistd.h>

        enum { PARTS = 4 };

        static uint64_t clock_now(clockid_t clock) {
            struct timespec now;
            clock_gettime(clock, &now);
            return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        }
        static void burn(clockid_t clock, uint64_t until) {
            while (clock_now(clock) < until) {}
        }
        static void *burn_thread(void *nanoseconds) {
            burn(CLOCK_THREAD_CPUTIME_ID, (uint64_t)(uintptr_t)nanoseconds);
            return NULL;
        }
        static void say(uint64_t number) {
            char line[24];
            int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)number);
            if (write(1, line, (size_t)length) != length) exit(98);
        }
        static void *spin(void *unused) {
            for (;;) __asm__ volatile("");
            return unused;
        }

        // How much the part of that number burns: the same each, or ever less, so that they end one after the other.
        static uint64_t share(int part, uint64_t nanoseconds, int early) {
            return early ? nanoseconds * (uint64_t)(part + 1) / 10 : nanoseconds / PARTS;
        }

        // What the clock of this process showed when main began.
        static uint64_t before;
        static uint64_t used_here(void) { return clock_now(CLOCK_PROCESS_CPUTIME_ID) - before; }

        static uint64_t burn_in_threads(uint64_t nanoseconds, int early) {
            pthread_t threads[PARTS];
            for (int i = 0; i < PARTS; i++) {
                void *part = (void *)(uintptr_t)share(i, nanoseconds, early);
                if (pthread_create(&threads[i], NULL, burn_thread, part) != 0) exit(90);
            }
            for (int i = 0; i < PARTS; i++) pthread_join(threads[i], NULL);
            return used_here();
        }

        // Children that nobody waits for, while this process sleeps: what they used is in nobody's rusage.
        static uint64_t burn_in_children(uint64_t nanoseconds, int early) {
            volatile uint64_t *used =
                mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            int ends[2];
            if (used == MAP_FAILED || pipe(ends) != 0) exit(91);
            for (int i = 0; i < PARTS; i++) {
                pid_t child = fork();
                if (child < 0) exit(92);
                if (child > 0) continue;
                burn(CLOCK_PROCESS_CPUTIME_ID, share(i, nanoseconds, early));
                used[i] = clock_now(CLOCK_PROCESS_CPUTIME_ID);
                _exit(0);
            }
            close(ends[1]);
            char byte;
            if (read(ends[0], &byte, 1) != 0) exit(93);
            uint64_t sum = used_here();
            for (int i = 0; i < PARTS; i++) sum += used[i];
            return sum;
        }

        static int touch(void *memory, size_t bytes) {
            if (memory == MAP_FAILED) return 94;
            memset(memory, 1, bytes);
            return 0;
        }
        static int fill(int file, size_t bytes) {
            static char block[1 << 16];
            memset(block, 1, sizeof block);
            for (size_t done = 0; done < bytes; done += sizeof block) {
                if (write(file, block, sizeof block) != sizeof block) return 95;
            }
            return 0;
        }

        int main(int argc, char **argv) {
            before = clock_now(CLOCK_PROCESS_CPUTIME_ID);
            const char *what = argc > 1 ? argv[1] : "";
            uint64_t number = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
            if (strcmp(what, "hello") == 0) return puts("Hello") < 0;
            if (strcmp(what, "sleep") == 0) {
                say(clock_now(CLOCK_MONOTONIC));
                for (;;) pause();
            }
            if (strcmp(what, "spin") == 0) {
                say(clock_now(CLOCK_MONOTONIC));
                spin(NULL);
            }
            if (strcmp(what, "tell") == 0) {
                pthread_t thread;
                for (uint64_t i = 1; i < number; i++) {
                    if (pthread_create(&thread, NULL, spin, NULL) != 0) return 96;
                }
                for (uint64_t next = 0;;) {
                    uint64_t used = used_here();
                    if (used < next) continue;
                    say(used);
                    next = used + 2000000;
                }
            }
            if (strcmp(what, "anonymous") == 0) {
                return touch(mmap(NULL, number, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), number);
            }
            if (strcmp(what, "tmp") == 0) return fill(open("/tmp/file", O_CREAT | O_WRONLY, 0600), number);
            if (strcmp(what, "memfd") == 0) return fill(memfd_create("file", 0), number);
            uint64_t used;
            if (strcmp(what, "burn") == 0) {
                burn(CLOCK_PROCESS_CPUTIME_ID, before + number);
                used = used_here();
            } else if (strcmp(what, "threads") == 0) {
                used = burn_in_threads(number, 0);
            } else if (strcmp(what, "threads-early") == 0) {
                used = burn_in_threads(number, 1);
            } else if (strcmp(what, "children") == 0) {
                used = burn_in_children(number, 0);
            } else if (strcmp(what, "children-early") == 0) {
                used = burn_in_children(number, 1);
            } else {
                return 97;
            }
            say(used);
            return 0;
        }
        """#
}
