/* Both ends of the questions to masters, without dsfailover:
 *
 *   ask_floor serve MASTERS NANOSECONDS METHOD BODY     prints its ports, and answers until its input ends
 *   ask_floor ask QUESTIONS METHOD BODY PORT...         prints the seconds that it took
 *
 * A master of `serve` is a thread that needs so many nanoseconds for each answer, one after the other, as a
 * thread of a real one does. `ask` sends the same frame to each port, 64 at a time on its way, and reads what
 * comes back. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kMostUnderWay = 64, kMost = 16 };

static const char *method, *body;
static long nanoseconds;

static void check(int holds, const char* what) {
    if (holds) return;
    perror(what);
    exit(1);
}

static size_t make_frame(char* frame, long opaque) {
    char header[1024];
    const int length =
        snprintf(header, sizeof header, "{\"methodIdentifier\":\"%s\",\"opaque\":%ld}", method, opaque);
    const size_t body_length = strlen(body);
    const unsigned sizes[] = {htonl((unsigned)length), htonl((unsigned)body_length)};
    char* at = frame;
    *at++ = (char)0xBE;
    *at++ = 0;
    memcpy(at, &sizes[0], 4);
    memcpy(at + 4, header, (size_t)length);
    at += 4 + length;
    memcpy(at, &sizes[1], 4);
    memcpy(at + 4, body, body_length);
    return (size_t)(at + 4 + body_length - frame);
}

/* The length of the whole frame that begins here, or 0. */
static size_t frame_length(const char* bytes, size_t count) {
    unsigned size;
    if (count < 6) return 0;
    memcpy(&size, bytes + 2, 4);
    const size_t header = ntohl(size);
    if (count < 10 + header) return 0;
    memcpy(&size, bytes + 6 + header, 4);
    const size_t whole = 10 + header + ntohl(size);
    return count < whole ? 0 : whole;
}

static void write_all(int socket, const char* bytes, size_t count) {
    while (count > 0) {
        const ssize_t written = write(socket, bytes, count);
        check(written > 0, "write");
        bytes += written;
        count -= (size_t)written;
    }
}

static void wait_until(struct timespec* due) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > due->tv_sec || (now.tv_sec == due->tv_sec && now.tv_nsec > due->tv_nsec)) *due = now;
    due->tv_nsec += nanoseconds;
    if (due->tv_nsec >= 1000000000) {
        due->tv_nsec -= 1000000000;
        ++due->tv_sec;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
}

static void serve_one(int socket) {
    static __thread char received[1 << 20];
    char answer[8192];
    size_t have = 0;
    struct timespec due = {0, 0};
    for (;;) {
        const ssize_t more = read(socket, received + have, sizeof received - have);
        if (more <= 0) return;
        have += (size_t)more;
        size_t at = 0;
        for (size_t length; (length = frame_length(received + at, have - at)) > 0; at += length) {
            const char* opaque = memmem(received + at, length, "\"opaque\":", 9);
            check(opaque != NULL, "a frame without opaque");
            const size_t size = make_frame(answer, atol(opaque + 9));
            if (nanoseconds > 0) wait_until(&due);
            if (send(socket, answer, size, MSG_NOSIGNAL) < 0) return;
        }
        memmove(received, received + at, have - at);
        have -= at;
    }
}

static void* serve_all(void* listener) {
    prctl(PR_SET_TIMERSLACK, 1);
    for (;;) {
        const int socket = accept((int)(long)listener, NULL, NULL);
        check(socket >= 0, "accept");
        const int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        serve_one(socket);
        close(socket);
    }
    return NULL;
}

static int serve(int masters) {
    for (int i = 0; i < masters; ++i) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof address;
        const int listener = socket(AF_INET, SOCK_STREAM, 0);
        check(bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 16) == 0, "listen");
        check(getsockname(listener, (struct sockaddr*)&address, &size) == 0, "getsockname");
        pthread_t thread;
        check(pthread_create(&thread, NULL, serve_all, (void*)(long)listener) == 0, "thread");
        printf("%d ", ntohs(address.sin_port));
    }
    printf("\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}

static int ask(long questions, int count, char** ports) {
    static char received[kMost][1 << 20], question[8192];
    struct pollfd sockets[kMost];
    size_t have[kMost] = {0};
    long asked[kMost] = {0}, answered[kMost] = {0};
    struct timespec begun, ended;
    check(count <= kMost, "too many ports");
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < count; ++i) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((unsigned short)atoi(ports[i])),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
        sockets[i] = (struct pollfd){socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0};
        check(connect(sockets[i].fd, (struct sockaddr*)&address, sizeof address) == 0, "connect");
    }
    for (int open = count; open > 0;) {
        for (int i = 0; i < count; ++i)
            for (; asked[i] < questions && asked[i] - answered[i] < kMostUnderWay; ++asked[i])
                write_all(sockets[i].fd, question, make_frame(question, asked[i] + 1));
        check(poll(sockets, (nfds_t)count, 10000) > 0, "no answer");
        for (int i = 0; i < count; ++i) {
            if (!(sockets[i].revents & (POLLIN | POLLHUP))) continue;
            const ssize_t more = read(sockets[i].fd, received[i] + have[i], sizeof received[i] - have[i]);
            check(more > 0, "the server left");
            have[i] += (size_t)more;
            size_t at = 0;
            for (size_t length; (length = frame_length(received[i] + at, have[i] - at)) > 0; at += length)
                if (++answered[i] == questions) --open;
            memmove(received[i], received[i] + at, have[i] - at);
            have[i] -= at;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.6f\n",
           (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
    return 0;
}

int main(int argc, char** argv) {
    if (argc == 6 && strcmp(argv[1], "serve") == 0) {
        nanoseconds = atol(argv[3]), method = argv[4], body = argv[5];
        return serve(atoi(argv[2]));
    }
    if (argc >= 6 && strcmp(argv[1], "ask") == 0) {
        method = argv[3], body = argv[4];
        return ask(atol(argv[2]), argc - 5, argv + 5);
    }
    return 2;
}
