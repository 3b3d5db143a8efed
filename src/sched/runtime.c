/* Starting and stopping.
 *
 * A start that fails undoes, in reverse order, what it did. A stop goes:
 *   1. refuse: no work from outside any more (the inbox is closed)
 *   2. drain: wait until no submitted job is left, and nobody who submitted
 *      one and has yet to wake a worker for it; what runs may still submit. At
 *      the deadline: give up here, for now
 *   3. end and join the threads of I/O and of who dumps on request, if there
 *      are any; the first as long as the deadline allows
 *   4. the workers end: `stopping`, all are woken, each leaves its loop when
 *      it has nothing to run. The monitor and the spares likewise
 *   5. join them, then those of the blocking pool, the last to wake anybody;
 *      close what I/O waits by
 *   6. unmap, free
 *
 * Nothing is accepted and then lost, and nothing is freed under a submitter's
 * feet: see entry.c, which has the proofs.
 */
#include "sched/runtime.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/fork.h"
#include "os/futex.h"
#include "parts/ready_word.h"
#include "sched/overflow.h"
#include <millrace/error.h>
#include <millrace/machine.h>

#include <stdlib.h>
#include <string.h>

enum {
    MOST_WORKERS = 1024,
    MOST_STRANDS = 16000000,
    /* Strands that lie in one worker's cache are of no use to another, nor are
     * those that are being given back: so that as many wait as were asked for,
     * there are as many more. */
    MORE = MRI_SPARE_SEATS + MRI_STRAND_GIVE,
    MOST_MORE = MOST_WORKERS * MRI_STRAND_CACHE + MORE,
    STRAND_CHUNK = 64,
};

/* Words in which a strand is a number have room for each: the pool's lists, of
 * which a runtime would not start, and those of who waits for a descriptor,
 * which nobody looks at again. */
MRI_STATIC_ASSERT(MOST_STRANDS + MOST_MORE + STRAND_CHUNK <= MRI_FREE_LIST_MOST,
                  "the pool can number all strands");
MRI_STATIC_ASSERT(MRI_FREE_LIST_MOST <= MRI_READY_STRANDS,
                  "a ready word has room for a strand's number");

/* ---- Memory ------------------------------------------------------------- */

static void *default_allocate(void *context, size_t size, size_t align)
{
    /* aligned_alloc of C11 wants multiples of the alignment: batches are less
     * than theirs. No alignment asked for is less than a pointer's. */
    void *memory;
    (void)context;
    if (align <= _Alignof(max_align_t))
        return malloc(size);
    return posix_memalign(&memory, align, size) == 0 ? memory : NULL;
}

static void default_release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

void *mri_runtime_allocate(mr_runtime *rt, size_t size, size_t align)
{
    return rt->config.allocate(rt->config.context, size, align);
}

void mri_runtime_release(mr_runtime *rt, void *memory, size_t size)
{
    rt->config.release(rt->config.context, memory, size);
}

/* ---- Configuration ------------------------------------------------------ */

static int check_config(const mr_config *c)
{
    bool fine = c->workers <= MOST_WORKERS && c->strands <= MOST_STRANDS &&
                c->pin <= 1 && c->leave_sigsegv <= 1 &&
                (c->stack_size == 0 || (c->stack_size >= 16384 &&
                                        c->stack_size <= (size_t)1 << 30)) &&
                !c->allocate == !c->release;
    return fine ? 0 : MR_EINVAL;
}

static int read_config(mr_config *c, const mr_config *given)
{
    *c = (mr_config){.size = sizeof *c};
    if (given) {
        if (given->size < offsetof(mr_config, workers) + sizeof c->workers ||
            given->size > sizeof *c)
            return MR_EINVAL;
        memcpy(c, given, given->size);
    }
    int rc = check_config(c);
    if (rc == 0 && c->workers == 0) {
        rc = mr_usable_cpus();
        c->workers = rc > 0 ? (unsigned)rc : 0;
        if (c->workers > MOST_WORKERS)
            c->workers = MOST_WORKERS;
    }
    if (!c->allocate) {
        c->allocate = default_allocate;
        c->release = default_release;
    }
    return rc < 0 ? rc : 0;
}

/* ---- Start -------------------------------------------------------------- */

/* 0: the pool's default. */
static uint32_t most_strands(const mr_runtime *rt)
{
    uint32_t most = rt->config.strands;
    return most == 0 ? 0 : most + rt->workers * MRI_STRAND_CACHE + MORE;
}

static int open_pool(mr_runtime *rt)
{
    size_t control = (sizeof(mri_strand) + 63) & ~(size_t)63;
    mri_strand_config config = {
        .most = most_strands(rt),
        .chunk = STRAND_CHUNK,
        .stack_size = rt->config.stack_size,
        .slots_size = 262144, /* 4096 children of one strand */
        .control_size = control,
        .drop_slots = true,
        /* A stack that was given back costs a fault and a call when it is used
         * again, 3 us in all: a thousand tasks that wait and end, time and
         * again, took four times as long with 64. */
        .keep = 1024,
    };
    return mri_strand_pool_open(&rt->pool, &config);
}

/* At the limit of mappings the kernel cannot cut a piece out of the middle of
 * what it has merged: such a piece goes in a second round, when what was
 * around it is gone. What is refused even then is lost, with no harm done. */
static void close_pool(mr_runtime *rt)
{
    if (mri_strand_pool_close(&rt->pool) < 0)
        (void)!mri_strand_pool_close(&rt->pool);
}

/* Its first strand is taken here, where a failure can still be told. */
static int start_worker(mri_worker *w)
{
    w->first = mri_strand_take(w);
    if (!w->first)
        return MR_ENOMEM;
    int rc = mri_thread_start(&w->thread, "mr-worker", mri_worker_main, w,
                              mri_overflow_thread_stack());
    if (rc < 0) {
        mri_strand_drop(w, w->first);
        mri_strand_flush(&w->runtime->pool, &w->cache);
    }
    return rc;
}

static void end_workers(mr_runtime *rt, uint32_t started)
{
    mri_store_relaxed(&rt->stopping, 1);
    mri_event_count_notify_all(&rt->idle); /* fences first */
    (void)!mri_poll_kick(rt);
    for (uint32_t i = 0; i < started; i++)
        mri_thread_join(&rt->worker[i].thread);
}

static int start_workers(mr_runtime *rt)
{
    for (uint32_t i = 0; i < rt->workers; i++) {
        int rc = start_worker(&rt->worker[i]);
        if (rc < 0) {
            end_workers(rt, i);
            return rc;
        }
    }
    return 0;
}

static void pin_workers(mr_runtime *rt, const mri_cpus *cpus)
{
    for (uint32_t i = 0; i < rt->workers; i++) {
        mri_worker *w = &rt->worker[i];
        w->cpu = cpus->cpu[i % (uint32_t)cpus->affinity].id;
        mri_init(&w->at, (uint32_t)w->cpu);
    }
}

static int open_places(mr_runtime *rt, const mri_cpus *cpus)
{
    size_t size = mri_places_size(cpus);
    void *memory = mri_runtime_allocate(rt, size, _Alignof(max_align_t));
    if (!memory)
        return MR_ENOMEM;
    mri_places_open(&rt->places, cpus, memory);
    rt->places_size = size;
    return 0;
}

static void close_places(mr_runtime *rt)
{
    if (rt->places_size > 0)
        mri_runtime_release(rt, rt->places.key, rt->places_size);
}

/* The CPU of each worker, and who is near whom: of two nobody is nearer. */
static int place_workers(mr_runtime *rt)
{
    mri_cpus cpus;
    if (!rt->config.pin && rt->workers <= 2)
        return 0;
    int rc = mri_cpus_open(&cpus, NULL);
    if (rc < 0)
        return rc;
    if (rt->config.pin)
        pin_workers(rt, &cpus);
    if (rt->workers > 2)
        rc = open_places(rt, &cpus);
    mri_cpus_close(&cpus);
    return rc;
}

static size_t workers_size(const mr_runtime *rt)
{
    return sizeof(mri_worker) * (rt->workers + MRI_SPARE_SEATS);
}

/* It has nothing to do any more; threads that are just leaving a job are
 * waited for. Its mapping: as above. */
static void close_blocking(mr_runtime *rt)
{
    if (mri_blocking_close(&rt->blocking, MRI_NEVER) < 0)
        (void)!mri_blocking_close(&rt->blocking, MRI_NEVER);
}

static int open_runtime(mr_runtime *rt)
{
    rt->workers = rt->config.workers;
    rt->most_searchers = rt->workers > 2 ? rt->workers / 2 : 1;
    rt->generation = mri_fork_generation();
    mri_init(&rt->coarse_now, mri_clock_now());
    mri_barrier_open(&rt->barrier);
    mri_lock_init(&rt->tidy.lock);
    mri_event_count_init(&rt->idle);
    mri_init(&rt->watch, MRI_NEVER);
    mri_event_count_init(&rt->drained);
    mri_event_count_init(&rt->lingering);
    mri_inbox_open(&rt->inbox);
    rt->worker = mri_runtime_allocate(rt, workers_size(rt), MRI_CACHE_LINE);
    if (!rt->worker)
        return MR_ENOMEM;
    int rc = open_pool(rt);
    if (rc < 0)
        goto release_workers;
    rc = mri_blocking_open(&rt->blocking, &(mri_blocking_config){0});
    if (rc < 0)
        goto close_pool;
    for (uint32_t i = 0; i < rt->workers; i++)
        mri_worker_open(rt, i);
    mri_init(&rt->seats, rt->workers);
    rc = place_workers(rt);
    if (rc == 0)
        rc = start_workers(rt);
    if (rc == 0) {
        mri_monitor_start(rt);
        return 0;
    }
    close_places(rt);
    close_blocking(rt);
close_pool:
    close_pool(rt);
release_workers:
    mri_runtime_release(rt, rt->worker, workers_size(rt));
    return rc;
}

int mr_start(mr_runtime **out, const mr_config *given)
{
    mr_config config;
    *out = NULL;
    int rc = read_config(&config, given);
    if (rc == 0)
        rc = mri_fork_watch();
    if (rc < 0)
        return rc;
    mr_runtime *rt =
        config.allocate(config.context, sizeof *rt, _Alignof(mr_runtime));
    if (!rt)
        return MR_ENOMEM;
    memset(rt, 0, sizeof *rt);
    rt->config = config;
    if (!config.leave_sigsegv)
        mri_overflow_open();
    rc = open_runtime(rt);
    if (rc == 0) {
        *out = rt;
        return 0;
    }
    if (!config.leave_sigsegv)
        mri_overflow_close();
    config.release(config.context, rt, sizeof *rt);
    return rc;
}

unsigned mr_workers(const mr_runtime *rt)
{
    return rt->workers;
}

mr_runtime *mr_self(void)
{
    mri_strand *s = mri_strand_self();
    return s ? s->worker->runtime : NULL;
}

/* ---- Stop --------------------------------------------------------------- */

static int drain_jobs(mr_runtime *rt, int64_t deadline)
{
    for (;;) {
        if (mri_runtime_is_done(rt))
            return 0;
        mri_event_key key = mri_event_count_prepare(&rt->drained);
        if (mri_runtime_is_done(rt)) {
            mri_event_count_cancel(&rt->drained);
            return 0;
        }
        if (mri_event_count_commit(&rt->drained, key, deadline) < 0)
            return mri_runtime_is_done(rt) ? 0 : MR_ETIMEDOUT;
    }
}

/* Nobody can tell that a visitor has left but the visitor, whose last touch
 * that must not be. They leave within microseconds, unless they are held up. */
static int drain(mr_runtime *rt, int64_t deadline)
{
    int rc = drain_jobs(rt, deadline);
    /* Acquire: pairs with mri_runtime_leave. */
    while (rc == 0 && mri_load_acquire(&rt->visitors) != 0) {
        if (mri_clock_now() >= deadline)
            return MR_ETIMEDOUT;
        mri_futex_nap(50000);
    }
    return rc;
}

int mr_stop(mr_runtime *rt, int64_t deadline)
{
    if (mri_strand_self() || !mri_runtime_is_here(rt))
        return MR_EPERM;
    mri_inbox_close(&rt->inbox);  /* 1 */
    int rc = drain(rt, deadline); /* 2 */
    if (rc == 0 && rt->end_loop)
        rc = rt->end_loop(rt, deadline); /* 3 */
    if (rc < 0)
        return rc;
    /* Relaxed: whoever has called mr_dump_on did so before. */
    if (mri_load_relaxed(&rt->dumper)) /* 3 */
        rt->end_dumper(rt);
    mri_store_relaxed(&rt->stopping, 1); /* 4 */
    mri_monitor_end(rt);
    end_workers(rt, rt->workers); /* 4, 5 */
    mri_monitor_join(rt);
    close_blocking(rt); /* its last call may be kicking the poller */
    /* Relaxed: the workers were joined. */
    if (mri_load_relaxed(&rt->io))
        rt->end_io(rt);
    /* Relaxed: likewise, and by a job that has ended. */
    mri_last *heap = mri_load_relaxed(&rt->heap); /* 6 */
    if (heap)
        heap->end(rt);
    mr_config config = rt->config;
    if (!config.leave_sigsegv)
        mri_overflow_close();
    mri_block_close(rt);
    close_places(rt);
    close_pool(rt);
    mri_runtime_release(rt, rt->worker, workers_size(rt));
    config.release(config.context, rt, sizeof *rt);
    return 0;
}
