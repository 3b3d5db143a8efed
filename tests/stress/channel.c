/* Channels and select in many hands: nothing is lost, nothing comes twice, and
 * what one has sent comes in the order in which it was sent. */
#include <millrace.h>

#include "slow.h"
#include "stress.h"
#include "test.h"

#include <pthread.h>

enum { MOST = 4, THREADS = 2, PATIENCE = 200 };

/* An item says who sent it, and as which of his. */
static int64_t item_of(int64_t who, int64_t n)
{
    return who << 40 | n;
}

struct crowd {
    mr_channel c[2];
    int64_t room[2][3];
    int channels, senders, receivers;
    bool selects;
    int64_t n; /* from each sender */
    int64_t end;
    int64_t sum_sent, sum_got, sent, got; /* atomic */
    int64_t senders_left;                 /* atomic */
};

struct member {
    struct crowd *crowd;
    int64_t who;
    uint64_t random;
};

static uint64_t next(struct member *m)
{
    m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return m->random >> 33;
}

static void add(int64_t *to, int64_t n)
{
    __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static mr_channel *any(struct member *m)
{
    return &m->crowd->c[next(m) % (uint64_t)m->crowd->channels];
}

/* Now and then with little patience: then nothing was sent. */
static int send_one(struct member *m, int64_t item)
{
    struct crowd *k = m->crowd;
    bool hurries = next(m) % 4 == 0;
    int64_t deadline =
        hurries ? mr_after((int64_t)(next(m) % PATIENCE) * 1000) : MR_NEVER;
    if (!k->selects || next(m) % 2)
        return mr_send_until(any(m), &item, deadline);
    mr_case cases[] = {mr_case_send(&k->c[1], &item),
                       mr_case_send(&k->c[0], &item)};
    int64_t at = mr_select(cases, 2, deadline);
    return at < 0 ? (int)at : cases[at].result;
}

static int64_t sends(void *arg)
{
    struct member *m = arg;
    struct crowd *k = m->crowd;
    for (int64_t n = 0; mr_now() < k->end;) {
        int64_t item = item_of(m->who, n);
        int rc = send_one(m, item);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
        if (rc < 0)
            continue;
        n++;
        add(&k->sum_sent, item);
        add(&k->sent, 1);
    }
    if (__atomic_sub_fetch(&k->senders_left, 1, __ATOMIC_ACQ_REL) == 0)
        for (int i = 0; i < k->channels; i++)
            EXPECT_EQ(mr_channel_close(&k->c[i]), 0);
    return 0;
}

static int receive_one(struct member *m, bool over[2], int64_t *item)
{
    struct crowd *k = m->crowd;
    bool hurries = next(m) % 4 == 0;
    int64_t deadline =
        hurries ? mr_after((int64_t)(next(m) % PATIENCE) * 1000) : MR_NEVER;
    if (k->channels == 1) {
        int rc = mr_receive_until(&k->c[0], item, deadline);
        over[0] = over[1] = rc == MR_EOF;
        return rc;
    }
    mr_case cases[] = {mr_case_receive(over[0] ? NULL : &k->c[0], item),
                       mr_case_receive(over[1] ? NULL : &k->c[1], item)};
    int64_t at = mr_select(cases, 2, deadline);
    if (at >= 0 && cases[at].result == MR_EOF)
        over[at] = true;
    return at < 0 ? (int)at : cases[at].result;
}

/* Of one channel, each sender's items come in order to each receiver. */
static int64_t receives(void *arg)
{
    struct member *m = arg;
    struct crowd *k = m->crowd;
    int64_t last[MOST + THREADS], item;
    bool over[2] = {false, k->channels == 1};
    for (int i = 0; i < MOST + THREADS; i++)
        last[i] = -1;
    while (!over[0] || !over[1]) {
        int rc = receive_one(m, over, &item);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT || rc == MR_EOF);
        if (rc < 0)
            continue;
        int64_t who = item >> 40, n = item & ((INT64_C(1) << 40) - 1);
        EXPECT(who >= 0 && who < MOST + THREADS);
        EXPECT(k->channels > 1 || n > last[who]);
        last[who] = n;
        add(&k->sum_got, item);
        add(&k->got, 1);
    }
    return 0;
}

/* ---- Tasks of a runtime and threads, at the same channels ---------------- */

struct group {
    struct member sender[MOST], receiver[MOST];
    int senders, receivers;
};

static int64_t tasks(void *arg)
{
    struct group *g = arg;
    mr_scope scope;
    mr_task task[2 * MOST];
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < g->senders; i++)
        mr_scope_spawn(&scope, &task[i], sends, &g->sender[i]);
    for (int i = 0; i < g->receivers; i++)
        mr_scope_spawn(&scope, &task[MOST + i], receives, &g->receiver[i]);
    return mr_scope_close(&scope);
}

static void *sends_main(void *arg)
{
    return (void *)(intptr_t)sends(arg);
}

static void *receives_main(void *arg)
{
    return (void *)(intptr_t)receives(arg);
}

static void group_open(struct group *g, struct crowd *k)
{
    g->senders = k->senders;
    g->receivers = k->receivers;
    for (int i = 0; i < MOST; i++) {
        g->sender[i] = (struct member){k, i, (uint64_t)i + 1};
        g->receiver[i] = (struct member){k, i, (uint64_t)i + 101};
    }
}

static void crowd_run(struct crowd *k, unsigned workers, int threads)
{
    struct group g;
    struct member more[2 * THREADS];
    pthread_t thread[2 * THREADS];
    mr_runtime *rt;
    mr_config config = {.size = sizeof config, .workers = workers};
    group_open(&g, k);
    k->senders_left = k->senders + threads;
    k->end = stress_end();
    EXPECT_EQ(mr_start(&rt, &config), 0);
    for (int i = 0; i < threads; i++) {
        more[i] = (struct member){k, MOST + i, (uint64_t)i + 201};
        more[THREADS + i] = (struct member){k, MOST + i, (uint64_t)i + 301};
        EXPECT_EQ(pthread_create(&thread[i], NULL, sends_main, &more[i]), 0);
        EXPECT_EQ(pthread_create(&thread[THREADS + i], NULL, receives_main,
                                 &more[THREADS + i]),
                  0);
    }
    EXPECT_EQ(mr_run(rt, tasks, &g), 0);
    for (int i = 0; i < threads; i++) {
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
        EXPECT_EQ(pthread_join(thread[THREADS + i], NULL), 0);
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static void crowds(int senders, int receivers, int channels, int threads)
{
    for (size_t capacity = 0; capacity <= 3; capacity += 3) {
        struct crowd k = {.channels = channels,
                          .senders = senders,
                          .receivers = receivers,
                          .selects = channels > 1};
        for (int i = 0; i < 2; i++)
            EXPECT_EQ(
                mr_channel_open(&k.c[i], sizeof(int64_t), capacity, k.room[i]),
                0);
        crowd_run(&k, 2, threads);
        EXPECT(k.sent > 0);
        EXPECT_EQ(k.got, k.sent);
        EXPECT_EQ(k.sum_got, k.sum_sent);
    }
}

TEST(stress_channel, tasks_lose_nothing_and_keep_the_order)
{
    crowds(1, 1, 1, 0);
    crowds(MOST, 1, 1, 0);
    crowds(1, MOST, 1, 0);
    crowds(MOST, MOST, 1, 0);
}

TEST(stress_channel, tasks_and_threads_lose_nothing)
{
    crowds(2, 2, 1, THREADS);
}

TEST(stress_channel, selects_over_two_channels_lose_nothing)
{
    crowds(MOST, MOST, 2, 0);
    crowds(2, 2, 2, THREADS);
}
