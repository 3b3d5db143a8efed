/* Futures where memory is refused, and every system call fails once: what could
 * not be made is a future that failed, or an error; what was consumed is gone;
 * nothing is lost or left. */
#include <millrace.h>

#include "lives.h"

static int64_t returns(void *arg)
{
    return *(int64_t *)arg;
}

static int64_t adds(int64_t value, void *arg)
{
    return value < 0 ? value : value + *(int64_t *)arg;
}

static void notes(int64_t value, void *arg)
{
    __atomic_store_n((int64_t *)arg, value, __ATOMIC_RELEASE);
}

static bool is_refusal(int64_t rc)
{
    return rc == MR_ENOMEM;
}

static int64_t call_back(mr_future *f)
{
    int64_t noted = 0;
    int rc = mr_on(f, notes, &noted);
    while (rc == 0 && !__atomic_load_n(&noted, __ATOMIC_ACQUIRE))
        mr_yield();
    return rc < 0 ? rc : noted;
}

static int64_t promise(void)
{
    mr_promise *p;
    mr_future *f = mr_promise_open(&p);
    EXPECT(p || mr_is_done(f));
    if (p)
        EXPECT_EQ(mr_promise_complete(p, 4), 0);
    mr_promise_close(p);
    return mr_get(f);
}

static int64_t gather(mr_future *(*of)(mr_future *const[], size_t))
{
    int64_t two = 2;
    mr_future *f[2] = {mr_async(returns, &two, sizeof two),
                       mr_async(returns, &two, sizeof two)};
    return mr_get(of(f, 2));
}

/* A member that was refused is one that failed. */
static int64_t settle(void)
{
    int64_t two = 2, value[2];
    mr_future *f[2] = {mr_async(returns, &two, sizeof two),
                       mr_async(returns, &two, sizeof two)};
    int64_t rc = mr_get(mr_settled(f, 2, value));
    return rc > 0 ? MR_ENOMEM : rc;
}

/* The first that was refused, or 0. */
static int64_t root(void *arg)
{
    int64_t one = 1, two = 2;
    (void)arg;
    mr_future *f = mr_async(returns, &one, sizeof one);
    f = mr_then(f, adds, &two, sizeof two);
    f = mr_then(mr_finally(f, adds, &two, sizeof two), adds, &one, sizeof one);
    int64_t rc[] = {
        mr_get(f),      call_back(mr_async(returns, &one, sizeof one)),
        promise(),      gather(mr_all),
        gather(mr_any), gather(mr_race),
        settle()};
    static const int64_t right[] = {4, 1, 4, 0, 2, 2, 0};
    int64_t first = 0;
    for (size_t i = 0; i < sizeof rc / sizeof *rc; i++) {
        EXPECT_MSG(rc[i] == right[i] || is_refusal(rc[i]), "%zu: %d", i,
                   (int)rc[i]);
        if (rc[i] != right[i] && first == 0)
            first = rc[i];
    }
    return first;
}

static bool live(const char *call, int nth, int error, int64_t *rc)
{
    struct refusal r = {call, nth, error, false, is_never_refused};
    return refuse(&r, root, rc);
}

static bool live_on(const char *call, int nth, int error, int64_t *rc)
{
    struct refusal r = {call, nth, error, true, is_never_refused};
    return refuse(&r, root, rc);
}

TEST(faults_future, each_allocation_fails_once)
{
    fail_each(live, "allocate", ENOMEM, 100, 120);
}

TEST(faults_future, each_allocation_fails_and_all_after_it)
{
    fail_each(live_on, "allocate", ENOMEM, 100, 120);
}

TEST(faults_future, each_system_call_fails_once)
{
    fail_each(live, NULL, ENOMEM, 200, 120);
}
