/* millrace/future.h: promises that callbacks of libuv complete. */
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <uv.h>

struct alarm {
    uv_timer_t timer;
    mr_promise *promise;
    int64_t value;
};

static void closed(uv_handle_t *handle)
{
    struct alarm *a = handle->data;
    mr_promise *promise = a->promise;
    int64_t value = a->value;
    free(a);
    EXPECT_EQ(mr_promise_complete(promise, value), 0);
    mr_promise_close(promise);
}

static void rings(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, closed);
}

static void sets(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct alarm *a = arg;
    a->timer.data = a;
    EXPECT_EQ(uv_timer_init(loop, &a->timer), 0);
    EXPECT_EQ(uv_timer_start(&a->timer, rings, 1, 0), 0);
    mr_loop_answer(reply, 0);
}

/* The future of a timer of libuv. */
static mr_future *after_a_while(int64_t value)
{
    struct alarm *a = calloc(1, sizeof *a);
    EXPECT(a != NULL);
    mr_future *f = mr_promise_open(&a->promise);
    a->value = value;
    EXPECT_EQ(mr_loop_call(sets, NULL, a), 0);
    return f;
}

static int64_t adds_one(int64_t value, void *arg)
{
    (void)arg;
    return value < 0 ? value : value + 1;
}

static int64_t waits_for_timers(void *arg)
{
    (void)arg;
    EXPECT_EQ(mr_get(after_a_while(3)), 3);
    mr_future *f[3];
    for (int i = 0; i < 3; i++)
        f[i] = mr_then(after_a_while(i), adds_one, NULL, 0);
    EXPECT_EQ(mr_get(mr_all(f, 3)), 0);
    EXPECT_EQ(mr_get(mr_catch(after_a_while(MR_EIO), adds_one, NULL, 0)),
              MR_EIO);
    return 0;
}

TEST(future_loop, a_callback_of_libuv_completes_it)
{
    for (int i = 0; i < slow_scale(20); i++)
        run_on_some(waits_for_timers, NULL);
}

/* On the loop thread, which is no task's. */
static void begins(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    mr_runtime *rt = *(mr_runtime **)arg;
    mr_promise *p;
    (void)loop;
    mr_future *f = mr_promise_open_in(rt, &p);
    f = mr_then(f, adds_one, NULL, 0);
    EXPECT_EQ(mr_promise_complete(p, 1), 0);
    mr_promise_close(p);
    mr_loop_answer(reply, (int64_t)(intptr_t)f);
}

static int64_t gets_what_began_there(void *arg)
{
    mr_runtime *rt = mr_self();
    (void)arg;
    mr_future *f = (mr_future *)(intptr_t)mr_loop_call(begins, NULL, &rt);
    EXPECT_EQ(mr_get(f), 2);
    return 0;
}

TEST(future_loop, the_loop_thread_may_open_and_follow)
{
    for (int i = 0; i < slow_scale(20); i++)
        run_on_some(gets_what_began_there, NULL);
}
