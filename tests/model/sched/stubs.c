/* What the sources under test ask of the rest, where a model has none: no
 * threads are started, no strand is left. */
#include "sched/overflow.h"
#include "sched/runtime.h"

#include "base/assert.h"
#include "model.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/fork.h"
#include "os/futex.h"
#include <millrace/machine.h>

/* ---- Time that is only shown --------------------------------------------- */

int64_t mri_clock_coarse(void)
{
    return 0;
}

/* ---- Threads and the machine -------------------------------------------- */

/* As long as nothing changes. */
void mri_futex_nap(int64_t ns)
{
    (void)ns;
    mri_pause();
}

int mri_thread_cpu(void)
{
    return 0;
}

int mri_thread_pin(int cpu)
{
    (void)cpu;
    return 0;
}

int mri_thread_id(void)
{
    return 1;
}

int mri_fork_watch(void)
{
    return 0;
}

int mri_cpus_open(mri_cpus *cpus, const mri_cpus_source *source)
{
    (void)cpus;
    (void)source;
    return 0;
}

void mri_cpus_close(mri_cpus *cpus)
{
    (void)cpus;
}

int mr_usable_cpus(void)
{
    return 1;
}

int mri_strand_pool_open(mri_strand_pool *pool, const mri_strand_config *config)
{
    (void)pool;
    (void)config;
    return 0;
}

int mri_strand_pool_close(mri_strand_pool *pool)
{
    (void)pool;
    return 0;
}

void mri_overflow_open(void)
{
}

void mri_overflow_close(void)
{
}

void mri_overflow_call(void (*fn)(mri_worker *w, mri_strand *s), mri_worker *w,
                       mri_strand *s)
{
    fn(w, s);
}

size_t mri_overflow_thread_stack(void)
{
    return 0;
}

void mri_overflow_say(const mri_strand *s)
{
    (void)s;
}

void mri_strand_flush(mri_strand_pool *pool, mri_strand_cache *cache)
{
    (void)pool;
    (void)cache;
}

int mri_blocking_open(mri_blocking *pool, const mri_blocking_config *config)
{
    (void)pool;
    (void)config;
    return 0;
}

int mri_blocking_close(mri_blocking *pool, int64_t deadline)
{
    (void)pool;
    (void)deadline;
    return 0;
}
