/* Streams through their public face: connections that come and go while others
 * use the same descriptors' numbers and the same places in the table, closed
 * and cancelled at random; and whatever arrives is what was sent to it. */
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <dirent.h>
#include <sys/socket.h>

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)(next_random(seed) >> 33) % n;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* ---- Random echo -------------------------------------------------------- */

/* Each byte says whose stream it is in, and how far. */
static char byte_of(uint64_t id, uint64_t at)
{
    return (char)((id * 0x9e3779b97f4a7c15 + at * 2654435761U) >> 24);
}

static int64_t echoes(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[700];
    int64_t n;
    uint64_t seed = (uint64_t)stream | 1;
    while ((n = mr_read(stream, buf, 1 + below(&seed, sizeof buf))) > 0) {
        if (below(&seed, 8) == 0)
            EXPECT_EQ(mr_wait_writable(stream), 0);
        if (mr_write(stream, buf, (size_t)n) < 0)
            break;
    }
    mr_close(stream);
    return 0;
}

struct shared {
    mr_handle listener;
    mr_address at;
    int64_t end, done;
};

static int64_t serves(void *arg)
{
    struct shared *s = arg;
    mr_scope scope;
    mr_handle peer;
    mr_scope_open(&scope, MR_NEVER);
    while ((peer = mr_accept(s->listener)) >= 0)
        EXPECT_EQ(mr_scope_go(&scope, echoes, &peer, sizeof peer), 0);
    EXPECT_EQ(peer, MR_EBADF);
    return mr_scope_close(&scope);
}

struct flow {
    mr_handle stream;
    uint64_t id, size;
};

static int64_t sends(void *arg)
{
    struct flow *f = arg;
    char buf[1500];
    uint64_t seed = f->id | 1, at = 0;
    while (at < f->size) {
        uint64_t n = 1 + below(&seed, sizeof buf);
        n = n < f->size - at ? n : f->size - at;
        for (uint64_t i = 0; i < n; i++)
            buf[i] = byte_of(f->id, at + i);
        EXPECT_EQ(mr_write(f->stream, buf, n), n);
        at += n;
        if (below(&seed, 4) == 0)
            mr_sleep(below(&seed, 200) * MR_US);
    }
    return mr_shutdown(f->stream, MR_SHUT_WRITE);
}

static void expect_echo(struct flow *f)
{
    char buf[900];
    int64_t n;
    uint64_t seed = f->id * 3 | 1, at = 0;
    for (;;) {
        if (below(&seed, 3) == 0)
            EXPECT_EQ(mr_wait_readable(f->stream), 0);
        n = mr_read(f->stream, buf, 1 + below(&seed, sizeof buf));
        if (n <= 0)
            break;
        for (int64_t i = 0; i < n; i++)
            EXPECT_EQ(buf[i], byte_of(f->id, at++));
    }
    EXPECT_EQ(n, 0);
    EXPECT_EQ(at, f->size);
}

/* One after the other; now and then one that is given up, or closed by another
 * while it is in use. */
static int64_t talks(void *arg)
{
    struct shared *s = *(struct shared **)arg;
    mr_task sender;
    uint64_t seed = (uint64_t)mr_now() * 2654435761U | 1;
    while (mr_now() < s->end) {
        mr_handle stream = mr_connect(&s->at);
        EXPECT(stream >= 0);
        struct flow f = {stream, next_random(&seed), below(&seed, 40000)};
        mr_spawn(&sender, sends, &f);
        expect_echo(&f);
        EXPECT_EQ(mr_await(&sender), 0);
        EXPECT_EQ(mr_close(stream), 0);
        __atomic_fetch_add(&s->done, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static int64_t with_server(struct shared *s, mr_fn fn, int n)
{
    mr_task server;
    mr_scope scope;
    s->end = stress_end();
    s->listener = mr_tcp_listen("127.0.0.1", 0, 0, 0);
    EXPECT_EQ(mr_local_address(s->listener, &s->at), 0);
    mr_spawn(&server, serves, s);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < n; i++)
        EXPECT_EQ(mr_scope_go(&scope, fn, &s, sizeof s), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(mr_close(s->listener), 0);
    return mr_await(&server);
}

static int64_t random_echo(void *arg)
{
    struct shared s = {.done = 0};
    (void)arg;
    EXPECT_EQ(with_server(&s, talks, 20), 0);
    EXPECT(s.done > 0);
    return 0;
}

static void on_workers(unsigned workers, mr_fn fn)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    int before = open_descriptors();
    EXPECT_EQ(mr_main(&config, fn, NULL), 0);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(stress_streams, what_arrives_is_what_was_sent)
{
    on_workers(1, random_echo);
    on_workers(4, random_echo);
}

/* ---- Storms ------------------------------------------------------------- */

/* A wait of any kind, that anything may end. */
static int64_t uses(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[64] = "";
    uint64_t seed = (uint64_t)mr_now() * 2654435761U | 1;
    int64_t rc = 1;
    for (int i = 0; rc > 0 && i < 8; i++)
        switch (below(&seed, 4)) {
        case 0:
            rc = mr_read(stream, buf, sizeof buf);
            break;
        case 1:
            rc = mr_wait_readable(stream) < 0 ? -1 : 1;
            break;
        case 2:
            rc = mr_wait_writable(stream) < 0 ? -1 : 1;
            break;
        default:
            rc = mr_write(stream, buf, sizeof buf);
            break;
        }
    return 0;
}

/* Used by three, closed by one of them at any moment, or cut short. */
static int64_t storms(void *arg)
{
    struct shared *s = *(struct shared **)arg;
    uint64_t seed = (uint64_t)mr_now() * 2654435761U | 1;
    while (mr_now() < s->end) {
        mr_scope scope;
        mr_handle stream = mr_connect(&s->at);
        EXPECT(stream >= 0);
        mr_scope_open(&scope, mr_after(below(&seed, 2000) * MR_US));
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(mr_scope_go(&scope, uses, &stream, sizeof stream), 0);
        if (below(&seed, 2))
            mr_yield();
        if (below(&seed, 2)) {
            EXPECT_EQ(mr_close(stream), 0);
            stream = -1;
        }
        int64_t rc = mr_scope_close(&scope);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
        if (stream >= 0)
            EXPECT_EQ(mr_close(stream), 0);
        __atomic_fetch_add(&s->done, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static int64_t storm(void *arg)
{
    struct shared s = {.done = 0};
    (void)arg;
    EXPECT_EQ(with_server(&s, storms, 16), 0);
    EXPECT(s.done > 16);
    return 0;
}

TEST(stress_streams, a_storm_of_closes_hits_nobody_else)
{
    on_workers(1, storm);
    on_workers(4, storm);
}

/* Both at once: who is closed and who is not. */
static int64_t either(void *arg)
{
    struct shared *s = *(struct shared **)arg;
    static int64_t turn;
    bool talk = __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % 2;
    return talk ? talks(&s) : storms(&s);
}

static int64_t echo_in_a_storm(void *arg)
{
    struct shared s = {.done = 0};
    (void)arg;
    return with_server(&s, either, 24);
}

TEST(stress_streams, echoes_are_right_in_a_storm)
{
    on_workers(1, echo_in_a_storm);
    on_workers(4, echo_in_a_storm);
}
