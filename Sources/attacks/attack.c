// The framework behind attack.h, and the program itself: `bulkhead-attacks --list`, `bulkhead-attacks NAME [second]`.
#include "attack.h"

#include <ctype.h>

#include "witness.h"

// Nothing ends with these by accident.
enum { CONTAINED_CODE = 40, ESCAPED_CODE = 41, UNJUDGED_CODE = 42 };

// In the order of the table.
static const char *const groups[] = {"identity", "syscalls",   "files",      "processes", "neighbours",
                                     "network",  "limits",     "collection", "compiler"};
static struct attack *first;

static size_t group_rank(const char *group) {
    size_t rank = 0;
    while (rank < sizeof groups / sizeof *groups && strcmp(groups[rank], group) != 0) rank++;
    return rank;
}

static int comes_before(const struct attack *a, const struct attack *b) {
    size_t rank_a = group_rank(a->group), rank_b = group_rank(b->group);
    return rank_a != rank_b ? rank_a < rank_b : strcmp(a->file, b->file) < 0;
}

void attack_register(struct attack *attack) {
    struct attack **place = &first;
    while (*place != NULL && comes_before(*place, attack)) place = &(*place)->next;
    attack->next = *place;
    *place = attack;
}

// escape_artist.c is the attack escape-artist.
static void name_of(const struct attack *attack, char name[64]) {
    size_t length = 0;
    for (const char *c = attack->file; *c != 0 && *c != '.' && length < 63; c++) name[length++] = *c == '_' ? '-' : *c;
    name[length] = 0;
}

// MARK: findings

static _Noreturn void find(const char *finding, int code, const char *format, va_list arguments) {
    char reason[1024], line[1200];
    vsnprintf(reason, sizeof reason, format, arguments);
    for (char *c = reason; *c != 0; c++) {
        if (iscntrl((unsigned char)*c)) *c = ' ';
    }
    int length = snprintf(line, sizeof line, "finding\t%s\t%s\n", finding, reason);
    // In one piece: an attack may have children that write.
    if (write(1, line, (size_t)length) != length) _exit(UNJUDGED_CODE);
    _exit(code);
}

#define FINDING(name, text, code)                  \
    _Noreturn void name(const char *format, ...) { \
        va_list arguments;                         \
        va_start(arguments, format);               \
        find(text, code, format, arguments);       \
    }
FINDING(contained, "CONTAINED", CONTAINED_CODE)
FINDING(escaped, "ESCAPED", ESCAPED_CODE)
FINDING(unjudged, "UNJUDGED", UNJUDGED_CODE)

// MARK: the driver

const char *given_or_null(const char *name) {
    char variable[64];
    snprintf(variable, sizeof variable, "ATTACK_%s", name);
    const char *value = getenv(variable);
    return value == NULL || *value == 0 ? NULL : value;
}

const char *given(const char *name) {
    const char *value = given_or_null(name);
    if (value == NULL) unjudged("ATTACK_%s is not set", name);
    return value;
}

static void say(const char *line) {
    if (write_all(1, line, strlen(line)) < 0) unjudged("cannot write: %s", error_name(errno));
}

void ready_until_released(void) {
    say("ready\n");
    char byte;
    ssize_t got;
    do { got = read(0, &byte, 1); } while (got > 0 || (got < 0 && errno == EINTR));
}

static void say_line(const char *kind, const char *text) {
    char line[2048];
    snprintf(line, sizeof line, "%s\t%s\n", kind, text);
    say(line);
}

void memo(const char *text) { say_line("memo", text); }

// The host's uid of this slot, so that the driver can tell slots apart.
static void say_slot(void) {
    char map[256], line[64];
    unsigned inside = 0, outside = 0;
    if (read_file("/proc/self/uid_map", map, sizeof map) < 0 || sscanf(map, "%u %u", &inside, &outside) != 2) outside = 0;
    snprintf(line, sizeof line, "slot\t%u\n", outside);
    say(line);
}

// MARK: tools

const char *error_name(int error) {
    const char *name = error == 0 ? "ok" : strerrorname_np(error);
    return name == NULL ? "an unknown error" : name;
}

void nap(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {}
}

_Noreturn void sleep_for_ever(void) {
    for (;;) nap(1000);
}

long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static struct answer collect_answer(pid_t child, int reader) {
    struct answer answer = {-1, EIO, 0};
    ssize_t got;
    do { got = read(reader, &answer, sizeof answer); } while (got < 0 && errno == EINTR);
    close(reader);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (got != sizeof answer) {
        if (!WIFSIGNALED(status)) unjudged("a child ended without an answer (status %d)", status);
        answer = (struct answer){-1, 0, WTERMSIG(status)};
    }
    return answer;
}

// Forks; in the child the answer's writing end is given back, in the parent -1 and `*reader`.
static pid_t fork_for_answer(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) unjudged("pipe: %s", error_name(errno));
    pid_t child = fork();
    if (child < 0) unjudged("fork: %s", error_name(errno));
    if (child > 0) close(ends[1]);
    return child;
}

static _Noreturn void give_answer(int writer, long result, int error) {
    struct answer answer = {result, result < 0 ? error : 0, 0};
    _exit(write(writer, &answer, sizeof answer) == sizeof answer ? 0 : 1);
}

struct answer try_in_child(long (*call)(void)) {
    int ends[2];
    pid_t child = fork_for_answer(ends);
    if (child == 0) {
        errno = 0;
        long result = call();
        give_answer(ends[1], result, errno);
    }
    return collect_answer(child, ends[0]);
}

const char *answer_text(struct answer answer) {
    static char text[4][32];
    static unsigned turn;
    char *place = text[turn++ % 4];
    if (answer.signal != 0) {
        const char *name = sigabbrev_np(answer.signal);
        snprintf(place, 32, "SIG%s", name == NULL ? "?" : name);
    } else if (answer.error != 0) {
        snprintf(place, 32, "%s", error_name(answer.error));
    } else {
        snprintf(place, 32, "success");
    }
    return place;
}

// "EPERM (mount, umount2), ENOSYS (clone3)"
struct tally {
    char text[700];
    char last[32];
};
static void count_answer(struct tally *tally, const char *name, struct answer answer) {
    size_t length = strlen(tally->text);
    const char *answered = answer_text(answer);
    int same = strcmp(tally->last, answered) == 0;
    if (same) {
        snprintf(tally->text + length, sizeof tally->text - length, ", %s", name);
    } else {
        snprintf(tally->text + length, sizeof tally->text - length, "%s%s for %s", length == 0 ? "" : "; ", answered, name);
        snprintf(tally->last, sizeof tally->last, "%s", answered);
    }
}

void refused_by_filter(const struct raw_call *calls, size_t count) {
    struct tally tally = {"", ""};
    int may_be_other = 0;
    for (size_t i = 0; i < count; i++) {
        const struct raw_call *call = &calls[i];
        int ends[2];
        pid_t child = fork_for_answer(ends);
        if (child == 0) {
            errno = 0;
            long result = syscall(call->number, call->arguments[0], call->arguments[1], call->arguments[2],
                                  call->arguments[3], call->arguments[4], call->arguments[5]);
            give_answer(ends[1], result, errno);
        }
        struct answer answer = collect_answer(child, ends[0]);
        if (answer.signal != SIGSYS && answer.error != EPERM && answer.error != ENOSYS && answer.error != EAFNOSUPPORT) {
            escaped("%s reached the kernel, which answered %s", call->name, answer_text(answer));
        }
        may_be_other |= answer.error == ENOSYS || call->wants_right;
        // What refuses by a rule of its own counts each refusal; the driver compares.
        if (answer.error == EPERM || answer.error == EAFNOSUPPORT) say_line("refused", call->name);
        count_answer(&tally, call->name, answer);
    }
    contained("%s: %s", may_be_other ? "the filter, or a kernel that lacks it or wants a right for it" : "the filter", tally.text);
}

void all_refused(const struct named_call *calls, size_t count) {
    struct tally tally = {"", ""};
    for (size_t i = 0; i < count; i++) {
        struct answer answer = try_in_child(calls[i].call);
        if (answer.error == 0 && answer.signal == 0) escaped("%s succeeded", calls[i].name);
        count_answer(&tally, calls[i].name, answer);
    }
    contained("%s", tally.text);
}

ssize_t read_file(const char *path, char *buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    size_t filled = 0;
    ssize_t got = 0;
    while (filled + 1 < size && (got = read(fd, buffer + filled, size - 1 - filled)) > 0) filled += (size_t)got;
    int error = errno;
    close(fd);
    errno = error;
    buffer[filled] = 0;
    return got < 0 ? -1 : (ssize_t)filled;
}

const char *status_field(const char *field) {
    static char text[8192];
    static char value[256];
    if (read_file("/proc/self/status", text, sizeof text) < 0) unjudged("/proc/self/status: %s", error_name(errno));
    size_t length = strlen(field);
    for (char *line = text; line != NULL && *line != 0;) {
        char *end = strchr(line, '\n');
        if (end != NULL) *end = 0;
        if (strncmp(line, field, length) == 0 && line[length] == ':') {
            const char *from = line + length + 1;
            while (isspace((unsigned char)*from)) from++;
            snprintf(value, sizeof value, "%s", from);
            for (size_t last = strlen(value); last > 0 && isspace((unsigned char)value[last - 1]); last--) value[last - 1] = 0;
            return value;
        }
        line = end == NULL ? NULL : end + 1;
    }
    unjudged("/proc/self/status has no %s", field);
}

int write_all(int fd, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(fd, from, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -1;
        from += written;
        count -= (size_t)written;
    }
    return 0;
}

socklen_t abstract_address(struct sockaddr_un *address, const char *name) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s", name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

// MARK: the program

static void print_string(const char *text) {
    if (text == NULL) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c == '"' || *c == '\\') {
            printf("\\%c", *c);
        } else if (*c < 0x20) {
            printf("\\u%04x", *c);
        } else {
            putchar(*c);
        }
    }
    putchar('"');
}

static void print_list(void) {
    static const char *const modes[] = {"alone", "verdict", "pair", "sequel", "outside", "source", "collect"};
    putchar('[');
    for (struct attack *attack = first; attack != NULL; attack = attack->next) {
        char name[64];
        name_of(attack, name);
        const struct {
            const char *key;
            const char *text;
        } fields[] = {
            {"group", attack->group},   {"name", name},
            {"mode", modes[attack->mode]}, {"what", attack->what},
            {"expect", attack->expect}, {"limits", attack->limits},
            {"language", attack->language}, {"source", attack->source},
            {"says", attack->says},     {"never", attack->never},
            {"collect", attack->collect}, {"collected", attack->collected},
        };
        putchar('{');
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            printf("\"%s\":", fields[i].key);
            print_string(fields[i].text);
            putchar(',');
        }
        printf("\"cpuPercent\":%d,\"harmful\":%s}%s\n", attack->cpu_percent, attack->harmful ? "true" : "false",
               attack->next == NULL ? "" : ",");
    }
    puts("]");
}

static struct attack *find_attack(const char *wanted) {
    for (struct attack *attack = first; attack != NULL; attack = attack->next) {
        char name[64];
        name_of(attack, name);
        if (strcmp(name, wanted) == 0) return attack;
    }
    return NULL;
}

int main(int count, char **arguments) {
    const char *command = count > 1 ? arguments[1] : "";
    if (strcmp(command, "--list") == 0) {
        print_list();
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (strcmp(command, "--witness") == 0) return witness();
    // Keeps a slot busy.
    if (strcmp(command, "--hold") == 0) {
        say_slot();
        ready_until_released();
        return 0;
    }
    struct attack *attack = find_attack(command);
    if (attack == NULL) {
        fputs("usage: bulkhead-attacks --list | --witness | NAME [second]\n", stderr);
        return 2;
    }
    int is_second = count > 2 && strcmp(arguments[2], "second") == 0;
    void (*body)(void) = is_second ? attack->second : attack->run;
    if (body == NULL) {
        // A source text is an attack on whoever compiles it.
        if (attack->source == NULL) unjudged("%s has no such role", command);
        fputs(attack->source, stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    say_slot();
    body();
    if (attack->mode == VERDICT || attack->mode == COLLECT) return 0;
    unjudged("the attack came to its end without a finding");
}
