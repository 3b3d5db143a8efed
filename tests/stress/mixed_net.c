/* The mixed load's streams and datagrams: one echo, and peers of all manners.
 * What comes back is what was sent, up to where the connection ended. */
#include "mixed.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- The echo ----------------------------------------------------------- */

static int64_t writes_back(mr_handle stream, const char *buf, size_t n,
                           uint64_t *seed)
{
    size_t half = mixed_below(seed, (unsigned)n + 1);
    mr_buffer part[2] = {{(char *)(uintptr_t)buf, half},
                         {(char *)(uintptr_t)buf + half, n - half}};
    switch (mixed_below(seed, 4)) {
    case 0:
        return mr_writev(stream, part, 2, NULL);
    case 1:
        (void)mr_wait_writable(stream);
        break;
    }
    return mr_write(stream, buf, n);
}

/* How a peer may end: it knows only its own end. */
static bool is_an_end(int64_t rc)
{
    return rc == 0 || rc == MR_ECONNRESET || rc == MR_EPIPE;
}

static int64_t echoes(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[3000];
    int64_t n;
    uint64_t seed = (uint64_t)stream * 2654435761U | 1;
    do {
        size_t most = 1 + mixed_below(&seed, sizeof buf);
        mr_buffer part[2] = {{buf, most / 2},
                             {buf + most / 2, most - most / 2}};
        if (mixed_below(&seed, 3) == 0)
            (void)mr_wait_readable(stream);
        n = most > 1 && most % 2 ? mr_readv(stream, part, 2)
                                 : mr_read(stream, buf, most);
        if (n > 0)
            n = writes_back(stream, buf, (size_t)n, &seed);
    } while (n > 0);
    EXPECT_MSG(is_an_end(n), "the echo: %s", mr_error_name(n));
    EXPECT_EQ(mr_close(stream), 0);
    return 0;
}

static int64_t accepts(void *arg)
{
    mr_handle listener = *(const mr_handle *)arg, peer;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    while ((peer = mr_accept(listener)) >= 0)
        EXPECT_EQ(mr_scope_go(&scope, echoes, &peer, sizeof peer), 0);
    EXPECT_EQ(peer, MR_EBADF);
    return mr_scope_close(&scope);
}

static int64_t echoes_datagrams(void *arg)
{
    mr_handle socket = *(const mr_handle *)arg;
    char buf[2000];
    mr_address from;
    int64_t n;
    while ((n = mr_udp_receive(socket, buf, sizeof buf, &from)) >= 0)
        EXPECT_EQ(mr_udp_send(socket, buf, (size_t)n, &from), n);
    EXPECT_EQ(n, MR_EBADF);
    return 0;
}

void mixed_listen(mixed *m)
{
    char path[100];
    mr_address any;
    snprintf(path, sizeof path, "%s/echo", m->where);
    m->listener[0] = mr_tcp_listen("127.0.0.1", 0, 0, 0);
    m->listener[1] = mr_tcp_listen("::1", 0, 0, 0);
    m->listener[2] = mr_unix_listen(path, 16);
    EXPECT(m->listener[0] >= 0);
    EXPECT(m->listener[1] >= 0 || m->listener[1] == MR_EADDRNOTAVAIL ||
           m->listener[1] == MR_EAFNOSUPPORT);
    EXPECT(m->listener[2] >= 0);
    for (int i = 0; i < 3; i++)
        if (m->listener[i] >= 0)
            EXPECT_EQ(mr_local_address(m->listener[i], &m->at[i]), 0);
    EXPECT_EQ(mr_address_ip(&any, "127.0.0.1", 0), 0);
    m->datagrams = mr_udp_bind(&any, 0);
    EXPECT_EQ(mr_local_address(m->datagrams, &m->datagrams_at), 0);
}

int64_t mixed_serve(void *arg)
{
    mixed *m = arg;
    mr_scope scope;
    mr_task task[4];
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        if (m->listener[i] >= 0)
            mr_scope_spawn(&scope, &task[i], accepts, &m->listener[i]);
    mr_scope_spawn(&scope, &task[3], echoes_datagrams, &m->datagrams);
    return mr_scope_close(&scope);
}

void mixed_close(const mixed *m)
{
    for (int i = 0; i < 3; i++)
        if (m->listener[i] >= 0)
            EXPECT_EQ(mr_close(m->listener[i]), 0);
    EXPECT_EQ(mr_close(m->datagrams), 0);
}

/* ---- Connections -------------------------------------------------------- */

static const mr_address *any_of(const mixed *m, uint64_t *seed)
{
    unsigned i = mixed_below(seed, 3);
    return &m->at[m->listener[i] >= 0 ? i : 0];
}

/* A stream, or -1: all ports are those of connections that are over, which the
 * system keeps for a while. */
static mr_handle dial(const mixed *m, uint64_t *seed)
{
    mr_handle stream = mr_connect(any_of(m, seed));
    if (stream == MR_EADDRNOTAVAIL) {
        mr_sleep(10 * MR_MS);
        return -1;
    }
    EXPECT_MSG(stream >= 0, "connect: %s", mr_error_name(stream));
    return stream;
}

typedef struct flow {
    mr_handle stream;
    uint64_t id, size, sent, got;
} flow;

/* To its size, or until it is cut; sent: how far it got. */
static int64_t sends(void *arg)
{
    flow *f = arg;
    char buf[4000];
    uint64_t seed = f->id | 1;
    while (f->sent < f->size) {
        size_t n = 1 + mixed_below(&seed, sizeof buf), done;
        n = n < f->size - f->sent ? n : f->size - f->sent;
        mixed_fill(buf, n, f->id, f->sent);
        int64_t rc = mr_write_all(f->stream, buf, n, &done);
        f->sent += done;
        if (rc < 0)
            return rc;
        if (mixed_below(&seed, 8) == 0 && mr_sleep(seed % 300 * MR_US) < 0)
            return MR_ECANCELED;
    }
    return 0;
}

/* To the end, or until it is cut. */
static int64_t receives(void *arg)
{
    flow *f = arg;
    char buf[5000];
    int64_t n = 1;
    uint64_t seed = f->id * 3 | 1;
    while (n > 0) {
        n = mixed_below(&seed, 4) ? 0 : mr_wait_readable(f->stream);
        if (n < 0)
            break;
        n = mr_read(f->stream, buf, 1 + mixed_below(&seed, sizeof buf));
        if (n > 0)
            mixed_expect(buf, (size_t)n, f->id, f->got);
        f->got += n > 0 ? (uint64_t)n : 0;
    }
    return n;
}

static int64_t sends_all(void *arg)
{
    flow *f = arg;
    EXPECT_EQ(sends(f), 0);
    return mr_shutdown(f->stream, MR_SHUT_WRITE);
}

static void talks(const mixed *m, uint64_t *seed)
{
    mr_task sender;
    flow f = {dial(m, seed), mixed_next(seed), mixed_below(seed, 60000), 0, 0};
    if (f.stream < 0)
        return;
    mr_spawn(&sender, sends_all, &f);
    EXPECT_EQ(receives(&f), 0);
    EXPECT_EQ(mr_await(&sender), 0);
    EXPECT_EQ(f.got, f.size);
    EXPECT_EQ(mr_close(f.stream), 0);
}

/* Both directions cut at any moment, by the deadline or by another. What went
 * out comes back all the same, once, and nothing else. */
static void is_cut(const mixed *m, uint64_t *seed)
{
    mr_task sender, receiver;
    mr_scope scope;
    flow f = {dial(m, seed), mixed_next(seed), UINT64_C(1) << 40, 0, 0};
    if (f.stream < 0)
        return;
    mr_scope_open(&scope, mr_after(mixed_below(seed, 20000) * MR_US));
    mr_scope_spawn(&scope, &sender, sends, &f);
    mr_scope_spawn(&scope, &receiver, receives, &f);
    if (mixed_below(seed, 2)) {
        (void)mr_sleep(mixed_below(seed, 5000) * MR_US);
        mr_scope_cancel(&scope);
    }
    int64_t rc = mr_scope_close(&scope);
    EXPECT(rc == MR_ETIMEDOUT || rc == MR_ECANCELED);
    EXPECT_EQ(mr_shutdown(f.stream, MR_SHUT_WRITE), 0);
    EXPECT_EQ(receives(&f), 0);
    EXPECT_EQ(f.got, f.sent);
    EXPECT_EQ(mr_close(f.stream), 0);
}

/* A descriptor of our own, adopted, that says RST where it is closed. */
static void resets(const mixed *m, uint64_t *seed)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)mr_address_port(&m->at[0])),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    char buf[2000];
    uint64_t id = mixed_next(seed);
    size_t n = 1 + mixed_below(seed, sizeof buf);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    (void)!connect(fd, (struct sockaddr *)&to, sizeof to);
    mr_handle stream = mr_fd_adopt(fd);
    EXPECT(stream >= 0);
    EXPECT_EQ(mr_wait_writable(stream), 0);
    mixed_fill(buf, n, id, 0);
    if (mixed_below(seed, 4) && mr_write(stream, buf, n) == (int64_t)n &&
        mixed_below(seed, 2)) {
        int64_t got = mr_read(stream, buf, n);
        EXPECT(got > 0);
        mixed_expect(buf, (size_t)got, id, 0);
    }
    EXPECT_EQ(mr_close(stream), 0);
}

static void comes_and_goes(const mixed *m, uint64_t *seed)
{
    mr_handle stream = dial(m, seed);
    if (stream >= 0)
        EXPECT_EQ(mr_close(stream), 0);
}

/* A byte, its echo, and a long rest. */
static void trickles(const mixed *m, uint64_t *seed)
{
    mr_handle stream = dial(m, seed);
    uint64_t id = mixed_next(seed);
    if (stream < 0)
        return;
    for (uint64_t i = 0; i < 10 && (i == 0 || mr_now() < m->end); i++) {
        char byte = mixed_byte(id, i);
        EXPECT_EQ(mr_write(stream, &byte, 1), 1);
        EXPECT_EQ(mr_read(stream, &byte, 1), 1);
        EXPECT_EQ(byte, mixed_byte(id, i));
        EXPECT_EQ(mr_sleep(m->pause), 0);
    }
    EXPECT_EQ(mr_close(stream), 0);
}

/* The echo stands still too, then finds that nobody is there. */
static void never_reads(const mixed *m, uint64_t *seed)
{
    mr_scope scope;
    flow f = {dial(m, seed), mixed_next(seed), UINT64_C(1) << 40, 0, 0};
    if (f.stream < 0)
        return;
    mr_scope_open(&scope, mr_after(m->pause));
    EXPECT_EQ(sends(&f), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_close(f.stream), 0);
}

/* ---- Used while it is closed -------------------------------------------- */

static int64_t uses(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[64] = "";
    (void)mr_write(stream, buf, sizeof buf);
    while (mr_read(stream, buf, sizeof buf) > 0)
        (void)mr_write(stream, buf, sizeof buf);
    return 0;
}

static void is_closed(const mixed *m, uint64_t *seed)
{
    mr_scope scope;
    mr_handle stream = dial(m, seed);
    if (stream < 0)
        return;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, uses, &stream, sizeof stream), 0);
    (void)mr_sleep(mixed_below(seed, 1000) * MR_US);
    EXPECT_EQ(mr_close(stream), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
}

/* ---- Pipes -------------------------------------------------------------- */

/* What was written, up to where the writer was cut, is read. */
static void pipes(const mixed *m, uint64_t *seed)
{
    mr_handle end[2];
    mr_task reader;
    mr_scope scope;
    (void)m;
    EXPECT_EQ(mr_pipe_open(end), 0);
    flow in = {end[1], mixed_next(seed), UINT64_C(1) << 40, 0, 0}, out = in;
    out.stream = end[0];
    mr_spawn(&reader, receives, &out);
    mr_scope_open(&scope, mr_after(mixed_below(seed, 10000) * MR_US));
    EXPECT_EQ(sends(&in), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(mr_close(end[1]), 0);
    EXPECT_EQ(mr_await(&reader), 0);
    EXPECT_EQ(out.got, in.sent);
    EXPECT_EQ(mr_close(end[0]), 0);
}

/* ---- Datagrams ---------------------------------------------------------- */

/* Some may be lost; what comes is one of those that were sent, whole. */
static void sends_datagrams(const mixed *m, uint64_t *seed)
{
    char buf[1400];
    uint64_t id = mixed_next(seed);
    int64_t n = 1;
    mr_scope scope;
    mr_handle socket = mr_udp_connect(&m->datagrams_at);
    EXPECT(socket >= 0);
    for (unsigned i = 0; i < 8; i++) {
        size_t size = 1 + (id + i * 131) % sizeof buf;
        mixed_fill(buf, size, id, size);
        EXPECT_EQ(mr_udp_send(socket, buf, size, NULL), size);
    }
    mr_scope_open(&scope, mr_after(m->pause));
    for (int i = 0; i < 8 && n > 0; i++) {
        n = mr_udp_receive(socket, buf, sizeof buf, NULL);
        EXPECT(n > 0 || n == MR_ECANCELED);
        if (n > 0)
            mixed_expect(buf, (size_t)n, id, (uint64_t)n);
    }
    (void)!mr_scope_close(&scope);
    EXPECT_EQ(mr_close(socket), 0);
}

mixed_kind mixed_net[] = {
    {"talks", talks, 6, 0},
    {"is cut", is_cut, 4, 0},
    {"resets", resets, 2, 0},
    {"comes and goes", comes_and_goes, 1, 0},
    {"a byte at a time", trickles, 4, 0},
    {"never reads", never_reads, 1, 0},
    {"is closed", is_closed, 2, 0},
    {"pipes", pipes, 2, 0},
    {"datagrams", sends_datagrams, 2, 0},
    {NULL, NULL, 0, 0},
};
