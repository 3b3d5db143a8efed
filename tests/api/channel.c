/* millrace/channel.h: what is sent, in which order, and what close does. Waits
 * that end otherwise: channel_wait.c. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"
#include "waits.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t sizes[] = {0, 1, 4, 8, 24, 4096};
static const size_t capacities[] = {1, 2, 3, 64};
enum {
    SIZES = sizeof sizes / sizeof sizes[0],
    CAPACITIES = sizeof capacities / sizeof capacities[0],
    LARGEST = 4096,
};

static int open_numbers(mr_channel *c, size_t capacity, int64_t *room)
{
    return mr_channel_open(c, sizeof(int64_t), capacity, room);
}

static void *start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    EXPECT_EQ(pthread_create(thread, NULL, fn, arg), 0);
    return arg;
}

static void end(pthread_t thread)
{
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

/* ---- Opening ------------------------------------------------------------ */

TEST(channel, room_that_is_missing_or_cannot_be_is_refused)
{
    mr_channel c;
    int64_t item = 1;
    EXPECT_EQ(mr_channel_open(&c, 1, 1, NULL), MR_EINVAL);
    EXPECT_EQ(mr_channel_open(&c, SIZE_MAX, 2, &item), MR_EINVAL);
    EXPECT_EQ(mr_channel_open(&c, SIZE_MAX / 2 + 1, 1, &item), MR_EINVAL);
    /* And is closed. */
    EXPECT_EQ(mr_send(&c, &item), MR_EPIPE);
    EXPECT_EQ(mr_receive(&c, &item), MR_EOF);
    EXPECT_EQ(mr_channel_close(&c), MR_EPIPE);
}

TEST(channel, no_room_is_needed_for_nothing)
{
    mr_channel c;
    EXPECT_EQ(mr_channel_open(&c, 8, 0, NULL), 0);
    EXPECT_EQ(mr_channel_close(&c), 0);
    EXPECT_EQ(mr_channel_open(&c, 0, 5, NULL), 0);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(mr_trysend(&c, NULL), 0);
    EXPECT_EQ(mr_trysend(&c, NULL), MR_EAGAIN);
    EXPECT_EQ(mr_channel_count(&c), 5);
    EXPECT_EQ(mr_channel_close(&c), 0);
}

/* ---- Items -------------------------------------------------------------- */

static void fill(unsigned char *item, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        item[i] = (unsigned char)(seed + i * 7);
}

static void expect_item(const unsigned char *item, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        EXPECT_EQ(item[i], (unsigned char)(seed + i * 7));
    EXPECT_EQ(item[size], 0xa5); /* nothing behind it */
}

static void send_and_receive(size_t size, size_t capacity)
{
    mr_channel c;
    unsigned char item[LARGEST + 1];
    unsigned char *room = malloc(size * capacity + 2);
    unsigned sent = 0, received = 0;
    room[size * capacity + 1] = 0x5a;
    EXPECT_EQ(mr_channel_open(&c, size, capacity, room + 1), 0);
    /* Once around, from each place. */
    for (size_t round = 0; round < 2 * capacity + 1; round++) {
        for (; mr_channel_count(&c) < capacity; sent++) {
            fill(item, size, sent);
            EXPECT_EQ(mr_send(&c, item), 0);
        }
        EXPECT_EQ(mr_trysend(&c, item), MR_EAGAIN);
        for (size_t n = round % capacity + 1; n > 0; n--) {
            memset(item, 0xa5, sizeof item);
            EXPECT_EQ(mr_receive(&c, item), 0);
            expect_item(item, size, received++);
        }
    }
    EXPECT_EQ(mr_channel_close(&c), 0);
    for (; received < sent; received++) {
        memset(item, 0xa5, sizeof item);
        EXPECT_EQ(mr_receive(&c, item), 0);
        expect_item(item, size, received);
    }
    EXPECT_EQ(mr_receive(&c, item), MR_EOF);
    EXPECT_EQ(room[size * capacity + 1], 0x5a);
    free(room);
}

TEST(channel, items_of_all_sizes_come_as_they_were_in_order)
{
    for (int i = 0; i < SIZES; i++)
        for (int j = 0; j < CAPACITIES; j++)
            send_and_receive(sizes[i], capacities[j]);
}

/* One sends, one receives, both wait now and then; each in a task, a thread,
 * or a task of another runtime. */
struct pair {
    mr_channel c;
    size_t size;
    unsigned n;
};

static int64_t sends(void *arg)
{
    struct pair *p = arg;
    unsigned char item[LARGEST + 1];
    for (unsigned i = 0; i < p->n; i++) {
        fill(item, p->size, i);
        EXPECT_EQ(mr_send(&p->c, item), 0);
    }
    return mr_channel_close(&p->c);
}

static int64_t receives(void *arg)
{
    struct pair *p = arg;
    unsigned char item[LARGEST + 1];
    for (unsigned i = 0; i < p->n; i++) {
        memset(item, 0xa5, sizeof item);
        EXPECT_EQ(mr_receive(&p->c, item), 0);
        expect_item(item, p->size, i);
    }
    return mr_receive(&p->c, item) == MR_EOF ? 0 : -1;
}

enum who { TASK, THREAD, OTHER, WHO };

struct side {
    enum who who;
    mr_fn fn;
    void *arg;
    pthread_t thread;
    mr_task task;
    int64_t rc;
};

static void *side_main(void *arg)
{
    struct side *s = arg;
    s->rc = s->who == OTHER ? run_with(1, s->fn, s->arg) : s->fn(s->arg);
    return NULL;
}

static void side_start(struct side *s)
{
    if (s->who == TASK)
        mr_spawn(&s->task, s->fn, s->arg);
    else
        start(&s->thread, side_main, s);
}

static void *joins(void *arg)
{
    struct side *s = arg;
    end(s->thread);
    return NULL;
}

static int64_t waits_for_thread(void *arg)
{
    joins(arg);
    return 0;
}

static void side_end(struct side *s)
{
    if (s->who == TASK)
        s->rc = mr_await(&s->task);
    else
        EXPECT_EQ(mr_blocking(waits_for_thread, s), 0);
    EXPECT_EQ(s->rc, 0);
}

struct trial {
    enum who from, to;
    size_t size, capacity;
};

static int64_t hands_over(void *arg)
{
    const struct trial *t = arg;
    struct pair p = {.size = t->size, .n = (unsigned)slow_scale(300)};
    void *room = malloc(t->size * t->capacity + 1);
    struct side to = {.who = t->to, .fn = receives, .arg = &p};
    struct side from = {.who = t->from, .fn = sends, .arg = &p};
    EXPECT_EQ(mr_channel_open(&p.c, t->size, t->capacity, room), 0);
    side_start(&to);
    side_start(&from);
    side_end(&from);
    side_end(&to);
    free(room);
    return 0;
}

static void hand_over(enum who from, enum who to)
{
    for (int i = 0; i < SIZES; i++)
        for (size_t capacity = 0; capacity <= 3; capacity++) {
            struct trial t = {from, to, sizes[i], capacity};
            EXPECT_EQ(run_with(1 + i % 2, hands_over, &t), 0);
        }
}

TEST(channel, a_task_hands_items_to_a_task)
{
    hand_over(TASK, TASK);
}

TEST(channel, tasks_and_threads_hand_items_to_each_other)
{
    hand_over(TASK, THREAD);
    hand_over(THREAD, TASK);
    hand_over(THREAD, THREAD);
}

TEST(channel, tasks_of_two_runtimes_hand_items_to_each_other)
{
    hand_over(TASK, OTHER);
    hand_over(OTHER, TASK);
    hand_over(OTHER, OTHER);
}

/* ---- The order of those who wait ---------------------------------------- */

enum { QUEUED = 5 };

static const char room_waits[] = "room in a channel";
static const char item_waits[] = "an item of a channel";

struct queued {
    mr_channel c;
    int64_t room[2];
    int64_t got[QUEUED];
};

struct queued_one {
    struct queued *q;
    int64_t i;
};

static int64_t receives_as(void *arg)
{
    struct queued_one *o = arg;
    return mr_receive(&o->q->c, &o->q->got[o->i]);
}

static int64_t sends_as(void *arg)
{
    struct queued_one *o = arg;
    return mr_send(&o->q->c, &o->i);
}

static void queue_up(mr_scope *scope, struct queued *q, mr_fn fn,
                     const char *what)
{
    for (int i = 0; i < QUEUED; i++) {
        struct queued_one o = {q, i};
        EXPECT_EQ(mr_scope_go(scope, fn, &o, sizeof o), 0);
        come_to_wait(i + 1, what);
    }
}

static int64_t serves_receivers(void *arg)
{
    struct queued q;
    mr_scope scope;
    EXPECT_EQ(open_numbers(&q.c, (size_t)(arg ? 2 : 0), q.room), 0);
    mr_scope_open(&scope, MR_NEVER);
    queue_up(&scope, &q, receives_as, item_waits);
    for (int64_t i = 0; i < QUEUED; i++)
        EXPECT_EQ(mr_trysend(&q.c, &i), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    for (int i = 0; i < QUEUED; i++)
        EXPECT_EQ(q.got[i], i);
    return mr_channel_count(&q.c) ? -1 : mr_channel_close(&q.c);
}

static int64_t serves_senders(void *arg)
{
    struct queued q;
    mr_scope scope;
    int64_t capacity = arg ? 2 : 0, got;
    EXPECT_EQ(open_numbers(&q.c, (size_t)capacity, q.room), 0);
    for (int64_t i = 0; i < capacity; i++)
        EXPECT_EQ(mr_trysend(&q.c, &(int64_t){i - capacity}), 0);
    mr_scope_open(&scope, MR_NEVER);
    queue_up(&scope, &q, sends_as, room_waits);
    for (int64_t i = -capacity; i < QUEUED; i++) {
        EXPECT_EQ(mr_tryreceive(&q.c, &got), 0);
        EXPECT_EQ(got, i);
    }
    EXPECT_EQ(mr_tryreceive(&q.c, &got), MR_EAGAIN);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    return mr_channel_close(&q.c);
}

TEST(channel, who_waits_longest_is_served_first)
{
    static int buffered;
    run_on_some(serves_receivers, NULL);
    run_on_some(serves_receivers, &buffered);
    run_on_some(serves_senders, NULL);
    run_on_some(serves_senders, &buffered);
}

/* ---- Close -------------------------------------------------------------- */

static int64_t closes_on_senders(void *arg)
{
    struct queued q;
    mr_scope scope;
    int64_t capacity = arg ? 2 : 0, got;
    EXPECT_EQ(open_numbers(&q.c, (size_t)capacity, q.room), 0);
    for (int64_t i = 0; i < capacity; i++)
        EXPECT_EQ(mr_trysend(&q.c, &i), 0);
    mr_scope_open(&scope, MR_NEVER);
    queue_up(&scope, &q, sends_as, room_waits);
    EXPECT_EQ(mr_channel_close(&q.c), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_EPIPE);
    /* What was sent before is there, theirs is not. */
    for (int64_t i = 0; i < capacity; i++) {
        EXPECT_EQ(mr_receive(&q.c, &got), 0);
        EXPECT_EQ(got, i);
    }
    EXPECT_EQ(mr_receive(&q.c, &got), MR_EOF);
    EXPECT_EQ(mr_send(&q.c, &got), MR_EPIPE);
    return mr_channel_close(&q.c) == MR_EPIPE ? 0 : -1;
}

static int64_t closes_on_receivers(void *arg)
{
    struct queued q;
    mr_scope scope;
    EXPECT_EQ(open_numbers(&q.c, (size_t)(arg ? 2 : 0), q.room), 0);
    mr_scope_open(&scope, MR_NEVER);
    queue_up(&scope, &q, receives_as, item_waits);
    EXPECT_EQ(mr_channel_close(&q.c), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_EOF);
    EXPECT_EQ(mr_tryreceive(&q.c, &q.got[0]), MR_EOF);
    return mr_channel_close(&q.c) == MR_EPIPE ? 0 : -1;
}

TEST(channel, close_tells_all_who_wait)
{
    static int buffered;
    run_on_some(closes_on_senders, NULL);
    run_on_some(closes_on_senders, &buffered);
    run_on_some(closes_on_receivers, NULL);
    run_on_some(closes_on_receivers, &buffered);
}

static void *closes(void *arg)
{
    EXPECT_EQ(mr_channel_close(arg), 0);
    return NULL;
}

TEST(channel, close_by_another_thread_ends_the_wait_of_a_thread)
{
    for (int sends_too = 0; sends_too < 2; sends_too++) {
        mr_channel c;
        pthread_t thread;
        int64_t item = 0;
        EXPECT_EQ(open_numbers(&c, 0, NULL), 0);
        start(&thread, closes, &c);
        if (sends_too)
            EXPECT_EQ(mr_send(&c, &item), MR_EPIPE);
        else
            EXPECT_EQ(mr_receive(&c, &item), MR_EOF);
        end(thread);
    }
}

/* ---- Memory ------------------------------------------------------------- */

struct request {
    int64_t n;
    mr_channel *answer;
};

static int64_t answers(void *arg)
{
    struct request r;
    while (mr_receive(arg, &r) == 0) {
        r.n++;
        EXPECT_EQ(mr_send(r.answer, &r.n), 0);
    }
    return 0;
}

static int64_t asks_once(mr_channel *requests, int64_t n)
{
    mr_channel *answer = malloc(sizeof *answer);
    int64_t got = 0;
    EXPECT_EQ(open_numbers(answer, 0, NULL), 0);
    EXPECT_EQ(mr_send(requests, &(struct request){n, answer}), 0);
    EXPECT_EQ(mr_receive(answer, &got), 0);
    EXPECT_EQ(mr_channel_close(answer), 0);
    memset(answer, 0xff, sizeof *answer);
    free(answer);
    return got;
}

static int64_t asks(void *arg)
{
    mr_channel requests;
    mr_task server;
    (void)arg;
    EXPECT_EQ(mr_channel_open(&requests, sizeof(struct request), 0, NULL), 0);
    mr_spawn(&server, answers, &requests);
    for (int64_t i = 0; i < slow_scale(20000); i++)
        EXPECT_EQ(asks_once(&requests, i), i + 1);
    EXPECT_EQ(mr_channel_close(&requests), 0);
    return mr_await(&server);
}

TEST(channel, who_has_received_may_close_and_leave)
{
    run_on_some(asks, NULL);
}

/* ---- Others get their turn ---------------------------------------------- */

static uint64_t yields(void)
{
    mr_counters all = {.size = sizeof all};
    EXPECT_EQ(mr_stats(mr_self(), MR_ALL_WORKERS, &all), 0);
    return all.yields;
}

static int64_t never_waits(void *arg)
{
    mr_channel c;
    int64_t room[1], item = 0;
    (void)arg;
    EXPECT_EQ(open_numbers(&c, 1, room), 0);
    uint64_t before = yields();
    for (int i = 0; i < 10 * 1024; i++) {
        EXPECT_EQ(mr_send(&c, &item), 0);
        EXPECT_EQ(mr_receive(&c, &item), 0);
    }
    EXPECT(yields() - before >= 10);
    return mr_channel_close(&c);
}

TEST(channel, who_never_waits_lets_others_run)
{
    EXPECT_EQ(run_with(1, never_waits, NULL), 0);
}

/* ---- Where there is nobody ---------------------------------------------- */

static int64_t forks(void *arg)
{
    mr_channel c;
    int64_t room[1], item = 0;
    (void)arg;
    EXPECT_EQ(open_numbers(&c, 1, room), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(mr_send(&c, &item) == MR_EPERM &&
                      mr_receive(&c, &item) == MR_EPERM &&
                      mr_trysend(&c, &item) == MR_EPERM
                  ? 0
                  : 1);
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return mr_channel_close(&c);
}

TEST(channel, a_task_in_a_child_of_fork_is_refused)
{
    EXPECT_EQ(run_with(2, forks, NULL), 0);
}
