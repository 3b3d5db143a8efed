/* Streams to test with: both ends in one runtime, or one of them a descriptor
 * that the library knows nothing of. For tasks. */
#ifndef TESTS_SUPPORT_STREAMS_H
#define TESTS_SUPPORT_STREAMS_H

#include <millrace.h>

#include "run.h"
#include "test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum stream_kind { STREAM_TCP, STREAM_UNIX, STREAM_PIPE, STREAM_KINDS };

/* A listener on a port of loopback, and which. */
static inline mr_handle listen_on_loopback(mr_address *at, int backlog)
{
    mr_handle listener = mr_tcp_listen("127.0.0.1", 0, backlog, 0);
    EXPECT(listener >= 0);
    EXPECT_EQ(mr_local_address(listener, at), 0);
    EXPECT(mr_address_port(at) > 0);
    return listener;
}

/* A peer of the listener that is a descriptor. It blocks. */
static inline int connect_raw(const mr_address *at)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)mr_address_port(at)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* A stream, and its peer that is a descriptor. */
static inline mr_handle accept_raw(int *peer)
{
    mr_address at;
    mr_handle listener = listen_on_loopback(&at, 0);
    *peer = connect_raw(&at);
    mr_handle stream = mr_accept(listener);
    EXPECT(stream >= 0);
    EXPECT_EQ(mr_close(listener), 0);
    return stream;
}

static inline void tcp_pair(mr_handle end[2])
{
    mr_address at;
    mr_handle listener = listen_on_loopback(&at, 0);
    end[1] = mr_connect(&at);
    EXPECT(end[1] >= 0);
    end[0] = mr_accept(listener);
    EXPECT(end[0] >= 0);
    EXPECT_EQ(mr_close(listener), 0);
}

/* end[0] reads what end[1] writes. */
static inline void stream_pair(enum stream_kind kind, mr_handle end[2])
{
    if (kind == STREAM_TCP)
        tcp_pair(end);
    else
        EXPECT_EQ(kind == STREAM_UNIX ? mr_unix_pair(end) : mr_pipe_open(end),
                  0);
}

static inline void close_pair(const mr_handle end[2])
{
    EXPECT_EQ(mr_close(end[0]), 0);
    EXPECT_EQ(mr_close(end[1]), 0);
}

/* Task, with a handle: what comes goes back, until the end. */
static inline int64_t echo_stream(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[512];
    int64_t n;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0)
        EXPECT_EQ(mr_write(stream, buf, (size_t)n), n);
    EXPECT_EQ(n, 0);
    return mr_close(stream);
}

/* Write until there is no room. How many bytes. */
static inline size_t fill(mr_handle stream)
{
    static const char zeros[65536];
    size_t all = 0, done;
    mr_scope scope;
    /* A machine that stands still is no full stream: three times in a row. */
    for (int full = 0; full < 3;) {
        mr_scope_open(&scope, mr_after(20 * MR_MS));
        mr_write_all(stream, zeros, sizeof zeros, &done);
        full = mr_scope_close(&scope) != 0 && done == 0 ? full + 1 : 0;
        all += done;
    }
    return all;
}

/* Descriptors that the process has open. */
static inline int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    EXPECT(dir != NULL);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* Whether so many are open. The runtime's threads open files of their own for a
 * moment. */
static inline bool come_to_descriptors(int n)
{
    for (int i = 0; i < 1000 && open_descriptors() != n; i++)
        mr_sleep(MR_MS);
    return open_descriptors() == n;
}

#endif
