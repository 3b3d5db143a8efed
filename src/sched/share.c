/* Sharing CPUs under a quota: while spares are joined, all threads of the
 * runtime keep to as many CPUs as the quota gives, so that one thread more
 * uses up no more of it, and nobody is stopped until the next period. What a
 * quota leaves of a CPU counts as a whole one, as in mr_usable_cpus.
 *
 * The monitor does it, for the threads of all: those that run where it runs
 * itself. Whoever was moved by the user (mr_config.pin, or by hand) stays
 * where he is. A thread that is created meanwhile inherits what the monitor
 * has by then. Which CPUs: from that on which the monitor finds itself, so
 * that several runtimes do not all meet on the first.
 *
 * Must not know: why spares joined.
 */
#include "os/cpus.h"
#include "sched/monitor.h"
#include "sched/runtime.h"

#include <string.h>

/* ns; some 100 us are spent on each. */
enum { QUOTA_KEPT = 1000000000 };

enum { WORD_BITS = 8 * sizeof(unsigned long) };

static bool has(const mri_thread_cpus *set, int cpu)
{
    return set->word[cpu / WORD_BITS] >> cpu % WORD_BITS & 1;
}

static uint32_t count(const mri_thread_cpus *set)
{
    uint32_t n = 0;
    for (size_t i = 0; i < MRI_ARRAY_LEN(set->word); i++)
        n += (uint32_t)__builtin_popcountl(set->word[i]);
    return n;
}

/* n of them, from one on, around. */
static void choose(mri_thread_cpus *out, const mri_thread_cpus *from, int first,
                   uint32_t n)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < MRI_THREAD_CPUS && n > 0; i++) {
        int cpu = (first + i) % MRI_THREAD_CPUS;
        if (!has(from, cpu))
            continue;
        out->word[cpu / WORD_BITS] |= 1UL << cpu % WORD_BITS;
        n--;
    }
}

/* How many the quota gives; 0: as many as there are, or not known. */
static uint32_t quota(mri_monitor_looks *l, int64_t now)
{
    if (l->quota_read != 0 && now - l->quota_read < QUOTA_KEPT)
        return l->quota;
    l->quota_read = now;
    l->quota = 0;
    int usable = mri_cpus_usable(NULL);
    if (usable > 0 && mri_thread_cpus_get(&l->all) == 0 &&
        (uint32_t)usable < count(&l->all))
        l->quota = (uint32_t)usable;
    return l->quota;
}

/* From one set to the other, if it has that one. Refused: the CPUs were taken
 * from the process meanwhile; then it runs where the kernel lets it. */
static void move(mri_atomic_u32 *tid, const mri_thread_cpus *from,
                 const mri_thread_cpus *to)
{
    mri_thread_cpus has;
    int thread = (int)mri_load_relaxed(tid);
    if (thread != 0 && mri_thread_cpus_get_of(thread, &has) == 0 &&
        memcmp(&has, from, sizeof has) == 0)
        (void)!mri_thread_cpus_set_of(thread, to);
}

static void move_all(mr_runtime *rt, const mri_thread_cpus *from,
                     const mri_thread_cpus *to)
{
    mri_monitor *m = &rt->monitor;
    for (uint32_t i = 0; i < rt->workers; i++)
        move(&rt->worker[i].tid, from, to);
    mri_lock_acquire(&m->lock);
    uint32_t made = m->made;
    mri_lock_release(&m->lock);
    for (uint32_t i = 0; i < made; i++)
        move(&m->spare[i].tid, from, to);
}

/* Where the workers are, if they are pinned. */
static void choose_pinned(const mr_runtime *rt, mri_thread_cpus *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < rt->workers; i++) {
        int cpu = rt->worker[i].cpu;
        out->word[cpu / WORD_BITS] |= 1UL << cpu % WORD_BITS;
    }
}

static void share(mr_runtime *rt, int64_t now)
{
    mri_monitor_looks *l = &rt->monitor.looks;
    uint32_t n = quota(l, now);
    int cpu = mri_thread_cpu();
    if (n == 0 || cpu < 0)
        return;
    if (rt->config.pin)
        choose_pinned(rt, &l->few);
    else
        choose(&l->few, &l->all, cpu, n);
    move_all(rt, &l->all, &l->few);
    l->shared = true;
}

void mri_monitor_share(mr_runtime *rt, int64_t now)
{
    mri_monitor_looks *l = &rt->monitor.looks;
    bool joined = mri_load_relaxed(&rt->monitor.joined) > 0;
    if (joined == l->shared)
        return;
    if (joined) {
        share(rt, now);
    } else {
        move_all(rt, &l->few, &l->all);
        l->shared = false;
    }
}
