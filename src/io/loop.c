/* See loop.h for the protocols. */
#include "io/loop.h"

#include "base/assert.h"
#include "io/call_loop.h"
#include "io/io.h"
#include "os/futex.h"
#include "task/cancel.h"
#include <millrace/error.h>

#include <string.h>

/* ---- Out: strands that are ready ---------------------------------------- */

/* Before the loop blocks, and after all that it found. */
static void flush(mri_loop *l)
{
    if (l->ready == 0)
        return;
    mri_run_node *newest = l->newest;
    uint64_t ready = l->ready;
    l->newest = NULL;
    l->ready = 0;
    mri_strand_ready_list(l->runtime, newest, l->oldest, ready);
}

static void on_prepare(uv_prepare_t *handle)
{
    flush(mri_container_of(handle, mri_loop, prepare));
}

static void on_check(uv_check_t *handle)
{
    flush(mri_container_of(handle, mri_loop, check));
}

static void resume(mri_loop *l, mri_strand *s)
{
    s->node.next = l->newest;
    if (l->ready++ == 0)
        l->oldest = &s->node;
    l->newest = &s->node;
}

/* Whoever waits for `op` goes on; the memory may be gone then. */
static void end_wait(mri_loop *l, mri_loop_op *op)
{
    mri_strand *s = op->strand;
    /* LAST TOUCH of the operation. */
    if (s && mri_park_complete(&s->park, op->count) == MRI_PARK_RESUME)
        resume(l, s);
}

/* Of two, that which was sent last is what somebody waits for; ending the other
 * one's park does nothing, since the scope has. */
void mri_loop_done(mri_loop *l, mri_loop_op *op, int64_t result)
{
    mri_assert(!op->done, "an operation completes once");
    mri_loop_op *behind = op->behind;
    op->result = result;
    op->done = true;
    end_wait(l, behind ? behind : op);
}

bool mri_loop_is_here(const mri_loop *l)
{
    uv_thread_t here = uv_thread_self();
    return uv_thread_equal(&here, &l->self);
}

/* ---- In: the mailbox ---------------------------------------------------- */

static void run_all(mri_loop *l)
{
    mri_run_node *node = mri_mailbox_take(&l->mailbox);
    while (node) {
        mri_loop_op *op = mri_container_of(node, mri_loop_op, node);
        node = node->next;
        op->run(l, op);
    }
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The last letter was read. */
static void close_mailbox(mri_loop *l)
{
    mri_mailbox_close(&l->mailbox);
    run_all(l);
    while (!mri_mailbox_is_over(&l->mailbox))
        mri_futex_nap(50000);
}

static void on_bell(uv_async_t *handle)
{
    mri_loop *l = mri_container_of(handle, mri_loop, bell);
    run_all(l);
    if (!l->ending)
        return;
    close_mailbox(l);
    uv_stop(&l->uv);
}

int mri_loop_post(mri_loop *l, mri_loop_op *op)
{
    op->behind = NULL;
    op->done = false;
    int rc = mri_mailbox_put(&l->mailbox, &op->node);
    if (rc != 1)
        return rc;
    rc = uv_async_send(&l->bell);
    mri_require(rc == 0, "an open bell can be rung");
    mri_mailbox_rung(&l->mailbox);
    return 0;
}

/* ---- The thread --------------------------------------------------------- */

static void run_last(mri_loop *l, mri_loop_op *op)
{
    (void)op;
    l->ending = true;
}

/* Requests that a user has left running are waited for; what their callbacks
 * open is closed before the loop can wait for that. No strand waits any more.
 */
static void close_all(mri_loop *l)
{
    while (uv_loop_close(&l->uv) != 0) {
        uv_walk(&l->uv, close_handle, NULL);
        (void)uv_run(&l->uv, UV_RUN_ONCE);
    }
}

static void loop_main(void *arg)
{
    mri_loop *l = arg;
    l->self = uv_thread_self();
    /* Not where the worker that started it may be pinned to. */
    (void)!mri_thread_cpus_set(&l->runtime->blocking.cpus);
    /* The bell keeps it running, unless a user says uv_stop. */
    while (!l->ending)
        (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    close_all(l);
    /* Relaxed: who sees it joins the thread. */
    mri_store_relaxed(&l->left, 1);
    mri_futex_wake(&l->left, 1);
}

/* ---- Start -------------------------------------------------------------- */

static int open_uv(mri_loop *l)
{
    int rc = mri_call_loop_init(&l->uv);
    if (rc < 0)
        return rc;
    rc = mri_call_async_init(&l->uv, &l->bell, on_bell);
    if (rc < 0) {
        close_all(l);
        return rc;
    }
    /* None of these can fail. */
    (void)uv_prepare_init(&l->uv, &l->prepare);
    (void)uv_prepare_start(&l->prepare, on_prepare);
    (void)uv_check_init(&l->uv, &l->check);
    (void)uv_check_start(&l->check, on_check);
    return 0;
}

static int open_loop(mri_loop *l, mr_runtime *rt)
{
    memset(l, 0, sizeof *l);
    l->runtime = rt;
    mri_mailbox_open(&l->mailbox);
    int rc = open_uv(l);
    if (rc < 0)
        return rc;
    rc = mri_thread_start(&l->thread, "mr-loop", loop_main, l, 0);
    if (rc < 0)
        close_all(l);
    return rc;
}

static int end_loop(mr_runtime *rt, int64_t deadline);

/* Under the lock. */
static int start(mr_runtime *rt, mri_loop_place *place)
{
    /* Relaxed: who wrote it held the lock. */
    if (mri_load_relaxed(&place->loop))
        return 0;
    mri_loop *l = mri_runtime_allocate(rt, sizeof *l, _Alignof(mri_loop));
    if (!l)
        return MR_ENOMEM;
    int rc = open_loop(l, rt);
    if (rc < 0) {
        mri_runtime_release(rt, l, sizeof *l);
        return rc;
    }
    rt->end_loop = end_loop;
    mri_store_release(&place->loop, l);
    return 0;
}

/* NULL, and why. */
static int start_once(mr_runtime *rt, mri_loop_place *place, mri_loop **out)
{
    mri_lock_acquire(&place->lock);
    int rc = start(rt, place);
    *out = mri_load_relaxed(&place->loop);
    mri_lock_release(&place->lock);
    return rc;
}

int mri_loop_get(mri_strand *s, mri_loop **out)
{
    mr_runtime *rt = s->worker->runtime;
    mri_io *io;
    int rc = mri_io_open(rt, &io);
    if (rc < 0)
        return rc;
    /* Acquire: pairs with the release in start. */
    *out = mri_load_acquire(&io->loop.loop);
    return mri_likely(*out) ? 0 : start_once(rt, &io->loop, out);
}

/* ---- Waiting ------------------------------------------------------------ */

/* The count of the park that the operation, once sent, will end. */
static int hand_over(mri_strand *s, mri_loop *l, mri_loop_op *op,
                     uint64_t *count)
{
    *count = mri_park_begin(&s->park);
    op->strand = s;
    op->count = *count;
    int rc = mri_loop_post(l, op);
    if (rc < 0) /* nobody else knows of this park */
        (void)!mri_park_complete(&s->park, *count);
    return rc;
}

static int hand_over_and_park(mri_strand *s, mri_loop *l, mri_loop_op *op,
                              const char *what)
{
    uint64_t count;
    int rc = hand_over(s, l, op, &count);
    if (rc < 0)
        return rc;
    mri_strand_waits_for(s, what);
    mri_strand_park(s, count);
    return 0;
}

int64_t mri_loop_do(mri_strand *s, mri_loop_op *op, const char *what)
{
    mri_loop *l;
    int rc = mri_loop_get(s, &l);
    if (rc == 0)
        rc = hand_over_and_park(s, l, op, what);
    return rc < 0 ? rc : op->result;
}

/* The second letter. */
struct cut {
    mri_loop_op op;
    mri_loop_op *of;
    void (*cut)(mri_loop *loop, mri_loop_op *op);
};

static void run_cut(mri_loop *l, mri_loop_op *op)
{
    struct cut *c = mri_container_of(op, struct cut, op);
    if (c->of->done) {
        end_wait(l, op);
        return;
    }
    /* Before the call, in which it may complete. */
    c->of->behind = op;
    c->cut(l, c->of);
}

int64_t mri_loop_do_cut(mri_strand *s, mri_loop_op *op,
                        void (*cut)(mri_loop *loop, mri_loop_op *op),
                        const char *what)
{
    mri_loop *l;
    uint64_t count = 0;
    struct cut second = {.op = {.run = run_cut}, .of = op, .cut = cut};
    int rc = mri_cancelable_pass(s);
    if (rc == 0)
        rc = mri_loop_get(s, &l);
    if (rc == 0)
        rc = hand_over(s, l, op, &count);
    if (rc < 0)
        return rc;
    if (mri_cancelable_wait(s, count, MRI_NEVER) < 0) {
        /* The loop is not ending: this is a job. */
        rc = hand_over_and_park(s, l, &second.op, what);
        mri_require(rc == 0, "a task's letters get in");
    }
    return op->result;
}

/* ---- Stop --------------------------------------------------------------- */

static void ask(mri_loop *l)
{
    l->last = (mri_loop_op){.run = run_last};
    l->asked = true;
    int rc = mri_loop_post(l, &l->last);
    mri_require(rc == 0, "a loop ends once");
}

/* The stop, when all jobs have ended. */
static int end_loop(mr_runtime *rt, int64_t deadline)
{
    mri_io *io = mri_io_of(rt);
    /* Relaxed: whoever started it was a job. */
    mri_loop *l = mri_load_relaxed(&io->loop.loop);
    if (!l->asked)
        ask(l);
    /* Relaxed: with the join. */
    while (!mri_load_relaxed(&l->left))
        if (mri_futex_wait(&l->left, 0, deadline) == MR_ETIMEDOUT &&
            !mri_load_relaxed(&l->left))
            return MR_ETIMEDOUT;
    mri_thread_join(&l->thread);
    mri_runtime_release(rt, l, sizeof *l);
    rt->end_loop = NULL;
    return 0;
}
