// Asks a service on this machine to run a job, again and again, and says how long each answer took. One thread, one poll:
// the client takes its CPU time from the service that it measures.
//
//   bulkhead-bench-tool http PORT BODY
//
// BODY is a file with the JSON of a request to /api/execute. Each line of standard input is one of
//
//   open COUNT INTERVAL     COUNT requests, one each INTERVAL microseconds, whether or not those before are answered; the
//                           time of each counts from the moment when it was due
//   closed CLIENTS TIME     CLIENTS connections for TIME milliseconds, each with its next request as soon as it is answered
//
// and is answered by a line: nanoseconds from the first request to the last answer, then nanoseconds for each answer. An
// answer that is not 200 with the status "ok" ends the program.
#define _GNU_SOURCE
#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 256, MOST_SAMPLES = 1 << 20, MOST_BODY = 1 << 20, BUFFER = 64 << 10, PATIENCE = 60000 };

struct connection {
    int socket;
    int busy;
    uint64_t since;
    size_t filled;
    char buffer[BUFFER];
};

static struct connection connections[MOST_CONNECTIONS];
static int open_connections;
static char request[MOST_BODY + 512];
static size_t request_length;
static uint64_t samples[MOST_SAMPLES];
static size_t sample_count;
static int port;

static struct connection *connected(void) {
    if (open_connections == MOST_CONNECTIONS) fail("the service does not keep up: %d requests are open", open_connections);
    struct connection *connection = &connections[open_connections];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->socket < 0 || connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("cannot connect to port %d: %s", port, strerror(errno));
    }
    int on = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->busy = 0;
    open_connections++;
    return connection;
}

static struct connection *idle(void) {
    for (int index = 0; index < open_connections; index++) {
        if (!connections[index].busy) return &connections[index];
    }
    return connected();
}

static void ask(struct connection *connection, uint64_t since) {
    size_t sent = 0;
    while (sent < request_length) {
        ssize_t count = send(connection->socket, request + sent, request_length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("send: %s", strerror(errno));
        sent += (size_t)count;
    }
    connection->busy = 1;
    connection->since = since;
    connection->filled = 0;
}

// The header's value as a number; -1 where it is not there.
static long header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') return strtol(line + 3 + length, NULL, 10);
    }
    return -1;
}

// Reads what is there. Returns whether the answer is complete.
static int take(struct connection *connection) {
    ssize_t count = recv(
        connection->socket, connection->buffer + connection->filled, BUFFER - 1 - connection->filled, MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
    if (count < 0) fail("receive: %s", strerror(errno));
    if (count == 0) fail("the service has closed a connection, or answers with more than %d bytes", BUFFER);
    connection->filled += (size_t)count;
    connection->buffer[connection->filled] = 0;
    char *end = strstr(connection->buffer, "\r\n\r\n");
    if (!end) return 0;
    long length = header(connection->buffer, "content-length");
    if (length < 0) fail("an answer without a length: %.200s", connection->buffer);
    if ((size_t)(end + 4 - connection->buffer) + (size_t)length > connection->filled) return 0;
    if (strncmp(connection->buffer, "HTTP/1.1 200", 12) != 0 || !strstr(end, "\"status\":\"ok\"")) {
        fail("the service answers: %.1000s", connection->buffer);
    }
    if (sample_count == MOST_SAMPLES) fail("more than %d answers", MOST_SAMPLES);
    samples[sample_count++] = now() - connection->since;
    connection->busy = 0;
    return 1;
}

// Waits until an answer may be read or the moment has come, on CLOCK_MONOTONIC; 0 is no moment.
// Returns how many connections were read from; `each` is called for each whose answer is complete.
static void wait_for(uint64_t moment, void (*each)(struct connection *)) {
    struct pollfd polls[MOST_CONNECTIONS];
    for (int index = 0; index < open_connections; index++) {
        polls[index] = (struct pollfd){.fd = connections[index].socket, .events = connections[index].busy ? POLLIN : 0};
    }
    uint64_t time = now(), left = moment > time ? moment - time : 0;
    if (!moment) left = (uint64_t)PATIENCE * 1000000u;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    int ready = ppoll(polls, (nfds_t)open_connections, &timeout, NULL);
    if (ready < 0 && errno != EINTR) fail("poll: %s", strerror(errno));
    if (ready == 0 && !moment) fail("no answer within %d ms", PATIENCE);
    for (int index = 0; ready > 0 && index < open_connections; index++) {
        if (!polls[index].revents) continue;
        if (!connections[index].busy) fail("the service has closed a connection");
        if (take(&connections[index]) && each) each(&connections[index]);
    }
}

static int is_busy(void) {
    for (int index = 0; index < open_connections; index++) {
        if (connections[index].busy) return 1;
    }
    return 0;
}

// Services close connections that are idle for long, and between two commands that may be.
static void disconnect(void) {
    for (int index = 0; index < open_connections; index++) close(connections[index].socket);
    open_connections = 0;
}

static void open_loop(long count, uint64_t interval) {
    connected();
    uint64_t due = now() + 1000000;
    for (long sent = 0; sent < count; due += interval) {
        while (now() < due) wait_for(due, NULL);
        ask(idle(), due);
        sent++;
    }
    while (is_busy()) wait_for(0, NULL);
}

static uint64_t closed_end;

static void ask_again(struct connection *connection) {
    uint64_t time = now();
    if (time < closed_end) ask(connection, time);
}

static void closed_loop(int clients, uint64_t length) {
    while (open_connections < clients) connected();
    closed_end = now() + length;
    for (int index = 0; index < clients; index++) ask(&connections[index], now());
    while (is_busy()) wait_for(0, ask_again);
}

static void read_request(const char *path) {
    static char body[MOST_BODY];
    FILE *file = fopen(path, "re");
    if (!file) fail("%s: %s", path, strerror(errno));
    size_t length = fread(body, 1, sizeof body, file);
    fclose(file);
    int head = snprintf(
        request, sizeof request,
        "POST /api/execute HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        port, length);
    memcpy(request + head, body, length);
    request_length = (size_t)head + length;
}

int http(int count, char **arguments) {
    if (count != 2) fail("usage: http PORT BODY");
    port = atoi(arguments[0]);
    read_request(arguments[1]);
    char line[128], kind[16];
    long first, second;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%15s %ld %ld", kind, &first, &second) != 3 || first < 1 || second < 1) fail("no command: %s", line);
        sample_count = 0;
        uint64_t start = now();
        if (strcmp(kind, "open") == 0) {
            open_loop(first, (uint64_t)second * 1000u);
        } else if (strcmp(kind, "closed") == 0 && first <= MOST_CONNECTIONS) {
            closed_loop((int)first, (uint64_t)second * 1000000u);
        } else {
            fail("no command: %s", line);
        }
        printf("%llu", (unsigned long long)(now() - start));
        disconnect();
        for (size_t index = 0; index < sample_count; index++) printf(" %llu", (unsigned long long)samples[index]);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
