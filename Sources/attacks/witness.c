// The witness: someone else's process on the host, as open as it can be, so that only the sandbox stands between a job
// and it. It offers a file that everybody may write, a TCP and a UDP port on loopback, an abstract socket, System V
// memory and a message queue, and it carries a secret (ATTACK_CANARY) in its environment and in each of them. It prints
// how to find them, one NAME=value a line, then `ready`. A line on its standard input asks what was touched; the end of
// its standard input ends it.
#include "attack.h"

#include <arpa/inet.h>
#include <grp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "witness.h"

static volatile sig_atomic_t signals;
static void on_signal(int number) {
    (void)number;
    signals = 1;
}

static const char *canary;
static char folder[64], path[128], queue_name[64], socket_name[64];
static int tcp, udp, local, shared = -1;
static mqd_t queue = (mqd_t)-1;
static char *memory;
static struct stat before;

static int touched(char *what, size_t size) {
    char buffer[256];
    struct stat now;
    struct shmid_ds state;
    struct mq_attr attributes;
    int connection = accept4(tcp, NULL, NULL, SOCK_NONBLOCK);
    if (connection >= 0) {
        close(connection);
        snprintf(what, size, "a connection reached its TCP port");
    } else if (recv(udp, buffer, sizeof buffer, MSG_DONTWAIT) >= 0) {
        snprintf(what, size, "a packet reached its UDP port");
    } else if ((connection = accept4(local, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        close(connection);
        snprintf(what, size, "a connection reached its abstract socket");
    } else if (signals != 0) {
        signals = 0;
        snprintf(what, size, "a signal reached it");
    } else if (stat(path, &now) < 0 || now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
               now.st_mtim.tv_nsec != before.st_mtim.tv_nsec || now.st_size != before.st_size ||
               now.st_mode != before.st_mode || now.st_ino != before.st_ino) {
        if (stat(path, &before) < 0) before.st_size = -1;
        snprintf(what, size, "its file was changed");
    } else if (shared >= 0 && (shmctl(shared, IPC_STAT, &state) < 0 || state.shm_nattch != 1 || strcmp(memory, canary) != 0)) {
        snprintf(memory, 256, "%s", canary);
        snprintf(what, size, "its shared memory was changed");
    } else if (queue != (mqd_t)-1 && (mq_getattr(queue, &attributes) < 0 || attributes.mq_curmsgs != 1)) {
        snprintf(what, size, "its message queue was used");
    } else {
        return 0;
    }
    return 1;
}

static int fail(const char *step) {
    fprintf(stderr, "witness: %s: %s\n", step, error_name(errno));
    return 1;
}

static void remove_all(void) {
    if (path[0] != 0) unlink(path);
    if (folder[0] != 0) rmdir(folder);
    if (shared >= 0) shmctl(shared, IPC_RMID, NULL);
    if (queue != (mqd_t)-1) mq_unlink(queue_name);
}

static void say_namespaces(void) {
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char link[64], target[64];
        snprintf(link, sizeof link, "/proc/self/ns/%s", kinds[i]);
        ssize_t length = readlink(link, target, sizeof target - 1);
        if (length < 0) continue;
        target[length] = 0;
        printf("ATTACK_NS_%s=%s\n", kinds[i], target);
    }
}

int witness(void) {
    canary = getenv("ATTACK_CANARY");
    if (canary == NULL || strlen(canary) > 200) {
        errno = EINVAL;
        return fail("ATTACK_CANARY");
    }
    // Not root: what a job gets at must not depend on what root may.
    if (geteuid() == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0) {
            return fail("give up root");
        }
        prctl(PR_SET_DUMPABLE, 1);
    }
    umask(0);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    static const int caught[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGURG, SIGCONT, SIGIO};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) sigaction(caught[i], &action, NULL);

    snprintf(folder, sizeof folder, "/tmp/bulkhead-witness-%d-XXXXXX", getpid());
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) < 0) return fail("folder");
    snprintf(path, sizeof path, "%s/file", folder);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || write_all(file, canary, strlen(canary)) < 0) {
        int code = fail("file");
        remove_all();
        return code;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un name;
    snprintf(socket_name, sizeof socket_name, "bulkhead-witness-%s", folder + strlen(folder) - 6);
    socklen_t name_length = abstract_address(&name, socket_name);
    if (tcp < 0 || udp < 0 || local < 0 || bind(tcp, (struct sockaddr *)&address, length) < 0 || listen(tcp, 16) < 0 ||
        getsockname(tcp, (struct sockaddr *)&address, &length) < 0 ||
        // The same number for both.
        bind(udp, (struct sockaddr *)&address, length) < 0 || bind(local, (struct sockaddr *)&name, name_length) < 0 ||
        listen(local, 16) < 0) {
        int code = fail("sockets");
        remove_all();
        return code;
    }
    key_t key = (key_t)(0x42000000 | (getpid() & 0xFFFFFF));
    shared = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
    if (shared >= 0) {
        memory = shmat(shared, NULL, 0);
        snprintf(memory, 256, "%s", canary);
    }
    snprintf(queue_name, sizeof queue_name, "/bulkhead-witness-%d", getpid());
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 256};
    queue = mq_open(queue_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666, &attributes);
    if (queue != (mqd_t)-1) mq_send(queue, canary, strlen(canary), 0);
    if (stat(path, &before) < 0) return fail("file");

    printf("ATTACK_PID=%d\nATTACK_FILE=%s\nATTACK_PORT=%d\nATTACK_SOCKET=%s\n", getpid(), path, ntohs(address.sin_port),
           socket_name);
    if (shared >= 0) printf("ATTACK_SHM_KEY=%d\n", key);
    if (queue != (mqd_t)-1) printf("ATTACK_QUEUE=%s\n", queue_name);
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    printf("ATTACK_HOSTNAME=%s\n", host);
    say_namespaces();
    puts("ready");
    fflush(stdout);

    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char what[128] = "", all[600] = "";
        // Everything at once, so that the next question starts afresh.
        for (int turn = 0; turn < 32 && touched(what, sizeof what); turn++) {
            if (strstr(all, what) == NULL && strlen(all) + strlen(what) + 3 < sizeof all) {
                if (all[0] != 0) strcat(all, ", ");
                strcat(all, what);
            }
        }
        if (all[0] == 0) {
            puts("clean");
        } else {
            printf("touched\t%s\n", all);
        }
        fflush(stdout);
    }
    remove_all();
    return 0;
}
