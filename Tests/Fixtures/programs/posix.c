// What programs in C do, a line for each part: "part ok", or what failed.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static int line;
#define NEED(condition) do { if (!(condition)) { line = __LINE__; return 0; } } while (0)

static void *allocate(void *argument) {
    for (int round = 0; round < 50; round++) {
        char *block = malloc(1 << 18);
        if (!block) return NULL;
        memset(block, round, 1 << 18);
        free(block);
    }
    return argument;
}

static int threads(void) {
    pthread_t list[4];
    int marks[4];
    for (int i = 0; i < 4; i++) NEED(pthread_create(&list[i], NULL, allocate, &marks[i]) == 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        NEED(pthread_join(list[i], &result) == 0 && result == &marks[i]);
    }
    return 1;
}

static int memory(void) {
    char *big = malloc(40 << 20);
    NEED(big);
    memset(big, 1, 40 << 20);
    NEED((big = realloc(big, 50 << 20)) && big[(40 << 20) - 1] == 1);
    free(big);
    void *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(pages != MAP_FAILED && mprotect(pages, 4096, PROT_READ) == 0 && munmap(pages, 8192) == 0);
    return 1;
}

static int files(void) {
    FILE *file = fopen("a.txt", "w+");
    NEED(file && fprintf(file, "%d", 42) == 2 && fseek(file, 0, SEEK_SET) == 0);
    int number = 0;
    NEED(fscanf(file, "%d", &number) == 1 && number == 42 && fflush(file) == 0 && fsync(fileno(file)) == 0);
    NEED(flock(fileno(file), LOCK_EX) == 0 && ftruncate(fileno(file), 1) == 0 && fclose(file) == 0);
    NEED(mkdir("folder", 0700) == 0 && rename("a.txt", "folder/b.txt") == 0 && symlink("b.txt", "folder/c") == 0);
    NEED(link("folder/b.txt", "folder/d") == 0 && chmod("folder/b.txt", 0600) == 0);
    struct stat status;
    NEED(stat("folder/c", &status) == 0 && status.st_size == 1 && status.st_nlink == 2);
    DIR *folder = opendir("folder");
    int entries = 0;
    NEED(folder);
    while (readdir(folder)) entries++;
    NEED(entries == 5 && closedir(folder) == 0);
    NEED(mkfifo("fifo", 0600) == 0 && unlink("fifo") == 0);
    FILE *temporary = tmpfile();
    NEED(temporary && fclose(temporary) == 0);
    NEED(unlink("folder/d") == 0 && unlink("folder/c") == 0 && unlink("folder/b.txt") == 0 && rmdir("folder") == 0);
    char where[256];
    NEED(getcwd(where, sizeof where) && strcmp(where, "/box") == 0 && access("/etc/passwd", R_OK) == 0);
    return 1;
}

static int shell(void) {
    // The tools of the image under the same policy: what they do without must not be noticed.
    int status = system(
        "set -e; cd /tmp; echo b >x; echo a >>x; sort x | head -n 1 >y; cp -a x z; mv z w; ls -l / >/dev/null;"
        " grep -q a y; tar cf t.tar x y; tar xf t.tar; touch -d @0 x; find . -name w >/dev/null; sleep 0.01; date >/dev/null;"
        " rm x y w t.tar; bash -c '(exit 3) & wait $!; test $? = 3'");
    NEED(status == 0);
    FILE *pipe = popen("tr a-z A-Z", "w");
    NEED(pipe && pclose(pipe) == 0);
    return 1;
}

static int processes(void) {
    pid_t child = fork();
    NEED(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
        _exit(99);
    }
    int status;
    NEED(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    char *arguments[] = {"true", NULL};
    NEED(posix_spawnp(&child, "true", NULL, NULL, arguments, environ) == 0);
    NEED(waitpid(child, &status, 0) == child && status == 0);
    struct rusage usage;
    NEED(getrusage(RUSAGE_CHILDREN, &usage) == 0 && nice(1) == 1);
    return 1;
}

static int sockets(void) {
    int pair[2];
    char byte = 'x';
    NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    NEED(write(pair[0], &byte, 1) == 1 && read(pair[1], &byte, 1) == 1);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;
    struct sockaddr_un address = {AF_UNIX, "/tmp/socket"};
    NEED(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    NEED(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    int server = accept(listener, NULL, NULL);
    NEED(server >= 0 && send(client, "y", 1, 0) == 1);
    struct pollfd wait = {server, POLLIN, 0};
    NEED(poll(&wait, 1, 1000) == 1);
    int events = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.fd = server}};
    NEED(epoll_ctl(events, EPOLL_CTL_ADD, server, &event) == 0 && epoll_wait(events, &event, 1, 1000) == 1);
    NEED(recv(server, &byte, 1, 0) == 1 && byte == 'y' && unlink("/tmp/socket") == 0);
    return 1;
}

static int shared(void) {
    int object = shm_open("/object", O_CREAT | O_RDWR, 0600);
    NEED(object >= 0 && ftruncate(object, 4096) == 0);
    int *value = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    sem_t *semaphore = sem_open("/semaphore", O_CREAT, 0600, 0);
    NEED(value != MAP_FAILED && semaphore != SEM_FAILED);
    pid_t child = fork();
    if (child == 0) {
        *value = 5;
        sem_post(semaphore);
        _exit(0);
    }
    NEED(sem_wait(semaphore) == 0 && *value == 5 && waitpid(child, NULL, 0) == child);
    NEED(shm_unlink("/object") == 0 && sem_unlink("/semaphore") == 0);
    return 1;
}

static volatile sig_atomic_t caught;
static void catch(int number) { caught += number; }

static int times(void) {
    struct sigaction action = {.sa_handler = catch};
    NEED(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    NEED(raise(SIGUSR1) == 0 && caught == SIGUSR1);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec soon = {{0, 0}, {0, 1000000}};
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
    struct timespec pause = {5, 0};
    NEED(nanosleep(&pause, NULL) < 0 && errno == EINTR && caught == SIGUSR1 + SIGALRM && timer_delete(timer) == 0);
    struct timespec now;
    NEED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0 && time(NULL) > 0 && clock() > 0);
    return 1;
}

int main(void) {
    struct { const char *name; int (*run)(void); } parts[] = {
        {"threads", threads}, {"memory", memory}, {"files", files}, {"shell", shell}, {"processes", processes},
        {"sockets", sockets}, {"shared", shared}, {"times", times},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int isFine = parts[i].run();
        if (isFine) printf("%s ok\n", parts[i].name);
        else printf("%s failed at line %d: %s\n", parts[i].name, line, strerror(errno));
        fflush(stdout);
    }
    return 0;
}
