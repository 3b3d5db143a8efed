#include "parts/timers.h"
#include "parts/event_count.h"

#include "stress.h"
#include "test.h"

#include <pthread.h>

/* Each player has timers that it starts and stops; all fire all. */
enum { MOST = 16, EACH = 200, BATCH = 16 };

/* What a fired timer's owner is: outlives its timers. */
struct wait {
    mri_atomic_u64 fired; /* the count of the last that fired */
};

struct player {
    struct scene *scene;
    uint32_t index;
    uint64_t seed;
    mri_timer *timer[EACH];
    uint64_t count[EACH]; /* of the one that is started; 0: none */
    uint64_t started, stopped, fired;
};

struct scene {
    mri_timers timers;
    mri_atomic_u64 now; /* runs on as the players play */
    int64_t end;
    uint64_t spread;
    struct player player[MOST];
    struct wait wait[MOST][EACH];
};

static uint64_t draw(struct player *p)
{
    p->seed ^= p->seed >> 12;
    p->seed ^= p->seed << 25;
    p->seed ^= p->seed >> 27;
    return p->seed * UINT64_C(0x2545f4914f6cdd1d);
}

static void start(struct player *p, uint32_t i, int64_t now)
{
    struct wait *w = &p->scene->wait[p->index][i];
    /* Fresh memory: that of the last one is gone. */
    p->timer[i] = malloc(sizeof *p->timer[i]);
    EXPECT(p->timer[i] != NULL);
    p->count[i] = ++p->started;
    mri_timer_init(p->timer[i], w, p->count[i]);
    int64_t at = now + (int64_t)(draw(p) % p->scene->spread);
    /* Nobody sleeps here. */
    (void)!mri_timer_start(&p->scene->timers, p->timer[i], at);
}

/* Ends exactly once: what could not be stopped has been fired, or will have
 * been when whoever took it gets to say so. */
static void stop(struct player *p, uint32_t i)
{
    struct wait *w = &p->scene->wait[p->index][i];
    if (mri_timer_stop(&p->scene->timers, p->timer[i])) {
        p->stopped++;
        EXPECT(mri_load_acquire(&w->fired) < p->count[i]);
    } else {
        while (mri_load_acquire(&w->fired) < p->count[i])
            sched_yield();
    }
    EXPECT(mri_load_acquire(&w->fired) <= p->count[i]);
    memset(p->timer[i], 0xee, sizeof *p->timer[i]);
    free(p->timer[i]);
    p->timer[i] = NULL;
    p->count[i] = 0;
}

static void expire(struct player *p, int64_t now)
{
    mri_expired out[BATCH];
    uint32_t n = mri_timers_expire(&p->scene->timers, now, out, BATCH);
    for (uint32_t i = 0; i < n; i++) {
        struct wait *w = out[i].owner;
        /* Counts of one wait rise: none fires twice. */
        EXPECT(mri_load_relaxed(&w->fired) < out[i].count);
        mri_store_release(&w->fired, out[i].count);
    }
    p->fired += n;
}

static void *play(void *arg)
{
    struct player *p = arg;
    struct scene *s = p->scene;
    do {
        for (int k = 0; k < 100; k++) {
            uint32_t i = (uint32_t)(draw(p) % EACH);
            int64_t now = (int64_t)mri_add_relaxed(&s->now, draw(p) % 1000);
            if (p->timer[i])
                stop(p, i);
            else
                start(p, i, now);
            if (draw(p) % 8 == 0)
                expire(p, now);
        }
    } while (mri_clock_now() < s->end);
    return NULL;
}

/* Whatever is still pending fires at the end, or is stopped. */
static void finish(struct scene *s, int players)
{
    uint64_t started = 0, ended = 0;
    mri_timers_check(&s->timers);
    while (mri_timers_earliest(&s->timers) != INT64_MAX) {
        expire(&s->player[0], INT64_MAX - 1);
        for (int p = 0; p < players; p++) {
            uint32_t i = (uint32_t)(draw(&s->player[p]) % EACH);
            if (s->player[p].timer[i])
                stop(&s->player[p], i);
        }
    }
    mri_timers_check(&s->timers);
    for (int p = 0; p < players; p++) {
        for (uint32_t i = 0; i < EACH; i++)
            if (s->player[p].timer[i])
                stop(&s->player[p], i);
        started += s->player[p].started;
        ended += s->player[p].stopped + s->player[p].fired;
    }
    EXPECT_EQ(started, ended);
    EXPECT(started > 0);
}

static void run(int players, uint64_t spread, int64_t end)
{
    struct scene *s = aligned_alloc(MRI_CACHE_LINE, sizeof *s);
    pthread_t thread[MOST];
    EXPECT(s != NULL);
    memset(s, 0, sizeof *s);
    mri_timers_open(&s->timers, 0);
    s->end = end;
    s->spread = spread;
    for (int p = 0; p < players; p++) {
        s->player[p].scene = s;
        s->player[p].index = (uint32_t)p;
        s->player[p].seed = (uint64_t)p + 1;
        EXPECT_EQ(pthread_create(&thread[p], NULL, play, &s->player[p]), 0);
    }
    for (int p = 0; p < players; p++)
        EXPECT_EQ(pthread_join(thread[p], NULL), 0);
    finish(s, players);
    free(s);
}

/* A share of the time that a test has. */
static int64_t share(int64_t end, int parts)
{
    int64_t now = mri_clock_now();
    return now + (end - now) / parts;
}

TEST(stress_timers, each_ends_exactly_once)
{
    int64_t end = stress_end();
    const uint64_t spread[] = {1, 100000, 30000000, 1000000000000};
    for (int i = 0; i < 4; i++)
        run(2, spread[i], share(end, 5 - i));
    run(stress_crowd(MOST), 1000000, end);
}

/* Nobody expires but the thread that sleeps until the earliest: with the
 * protocol of timers.h, on a futex. */
struct sleeper {
    mri_timers timers;
    mri_event_count told;
    mri_atomic_u32 stop;
    uint64_t fired;
};

static void *sleep_and_fire(void *arg)
{
    struct sleeper *s = arg;
    while (!mri_load_acquire(&s->stop)) {
        mri_expired out[BATCH];
        uint32_t n;
        while ((n = mri_timers_expire(&s->timers, mri_clock_now(), out,
                                      BATCH)) > 0)
            for (s->fired += n; n > 0; n--)
                mri_store_release(&((struct wait *)out[n - 1].owner)->fired,
                                  out[n - 1].count);
        mri_event_key key = mri_event_count_prepare(&s->told);
        int64_t until = mri_timers_earliest(&s->timers);
        if (mri_load_acquire(&s->stop))
            mri_event_count_cancel(&s->told);
        else if (mri_event_count_commit(&s->told, key, until) < 0)
            continue; /* it is time */
    }
    return NULL;
}

TEST(stress_timers, who_sleeps_until_the_earliest_is_told_of_an_earlier_one)
{
    static struct sleeper s;
    pthread_t thread;
    struct wait wait = {{0}};
    mri_timer far, near;
    uint64_t count = 0;
    memset(&s, 0, sizeof s);
    mri_timers_open(&s.timers, mri_clock_now());
    mri_event_count_init(&s.told);
    EXPECT_EQ(pthread_create(&thread, NULL, sleep_and_fire, &s), 0);
    mri_timer_init(&far, &wait, UINT64_MAX);
    int64_t begin = mri_clock_now(), hour = 3600000000000;
    if (mri_timer_start(&s.timers, &far, begin + hour))
        mri_event_count_notify_one(&s.told);
    for (int64_t end = stress_end(); mri_clock_now() < end;) {
        mri_timer_init(&near, &wait, ++count);
        if (mri_timer_start(&s.timers, &near,
                            mri_clock_now() + (int64_t)(count % 64) * 1000))
            mri_event_count_notify_one(&s.told);
        /* Else it would be fired in an hour. */
        while (mri_load_acquire(&wait.fired) < count)
            EXPECT(mri_clock_now() < begin + hour / 2);
    }
    mri_store_release(&s.stop, 1);
    mri_event_count_notify_one(&s.told);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(mri_timer_stop(&s.timers, &far));
    EXPECT_EQ(s.fired, count);
    EXPECT(count > 0);
}
