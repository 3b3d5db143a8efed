#include "parts/event_count.h"

#include "stress.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <sched.h>

/* A heap of items; producers add and notify one, consumers take or wait, and
 * whoever waits with a deadline tries again. A lost wake-up is a hang: the
 * producers wait until all that they made is gone. */
enum { MOST = 64 };

struct shop {
    mri_event_count arrivals, emptied;
    mri_atomic_u32 items, closed;
    mri_atomic_u64 taken;
    uint32_t burst;
    bool hurry;
};

static bool take(struct shop *s)
{
    uint32_t n = mri_load_relaxed(&s->items);
    while (n > 0)
        if (mri_cas_acquire(&s->items, &n, n - 1)) {
            if (n == 1)
                mri_event_count_notify_all(&s->emptied);
            return true;
        }
    return false;
}

static void rest(struct shop *s, uint64_t round)
{
    mri_event_key key = mri_event_count_prepare(&s->arrivals);
    if (mri_load_relaxed(&s->items) || mri_load_relaxed(&s->closed)) {
        mri_event_count_cancel(&s->arrivals);
        return;
    }
    bool hurries = s->hurry && round % 2 == 0;
    int64_t deadline =
        hurries ? mri_clock_now() + (int64_t)(round % 64) * 1000 : MRI_NEVER;
    int rc = mri_event_count_commit(&s->arrivals, key, deadline);
    EXPECT(rc == 0 || (hurries && rc == MR_ETIMEDOUT));
}

static void *consume(void *arg)
{
    struct shop *s = arg;
    uint64_t taken = 0, round = 0;
    while (!mri_load_acquire(&s->closed))
        if (take(s))
            taken++;
        else
            rest(s, ++round);
    mri_add_relaxed(&s->taken, taken);
    return NULL;
}

static void await_empty(struct shop *s)
{
    while (mri_load_relaxed(&s->items)) {
        mri_event_key key = mri_event_count_prepare(&s->emptied);
        if (!mri_load_relaxed(&s->items)) {
            mri_event_count_cancel(&s->emptied);
            break;
        }
        EXPECT_EQ(mri_event_count_commit(&s->emptied, key, MRI_NEVER), 0);
    }
}

static uint64_t produce(struct shop *s, int64_t end)
{
    uint64_t made = 0;
    do {
        for (uint32_t i = 0; i < s->burst; i++) {
            mri_add_release(&s->items, 1);
            mri_event_count_notify_one(&s->arrivals);
            made++;
        }
        await_empty(s);
    } while (mri_clock_now() < end);
    return made;
}

struct maker {
    struct shop *shop;
    int64_t end;
    uint64_t made;
};

static void *produce_too(void *arg)
{
    struct maker *m = arg;
    m->made = produce(m->shop, m->end);
    return NULL;
}

static void run_shop(int consumers, uint32_t burst, bool hurry)
{
    struct shop s = {.burst = burst, .hurry = hurry};
    struct maker other = {&s, stress_end(), 0};
    pthread_t thread[MOST], maker;
    mri_event_count_init(&s.arrivals);
    mri_event_count_init(&s.emptied);
    for (int i = 0; i < consumers; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, consume, &s), 0);
    EXPECT_EQ(pthread_create(&maker, NULL, produce_too, &other), 0);
    uint64_t made = produce(&s, other.end);
    EXPECT_EQ(pthread_join(maker, NULL), 0);
    await_empty(&s);
    mri_store_release(&s.closed, 1);
    mri_event_count_notify_all(&s.arrivals);
    for (int i = 0; i < consumers; i++)
        EXPECT_EQ(pthread_join(thread[i], NULL), 0);
    EXPECT(mri_load_relaxed(&s.taken) == made + other.made);
    EXPECT(!mri_event_count_awaited(&s.arrivals));
    EXPECT(!mri_event_count_awaited(&s.emptied));
    mri_event_count_check(&s.arrivals);
    mri_event_count_check(&s.emptied);
}

TEST(stress_event_count, one_item_at_a_time)
{
    run_shop(1, 1, false);
}

TEST(stress_event_count, bursts_for_many)
{
    run_shop(stress_crowd(MOST) - 2, 5, false);
}

TEST(stress_event_count, bursts_for_many_in_a_hurry)
{
    run_shop(stress_crowd(MOST) - 2, 5, true);
}
