/* A stand-in for the run queue, which has models of its own: one word with a
 * bit per job. It promises what run_queue.h does: what was pushed before a
 * look began, as far as happens-before or a pair of fences tells, is found or
 * was taken by somebody; and whoever steals takes half, which is in nobody's
 * sight before it is in its own queue. Needs the
 * first job in place of the ring. */
#include "parts/run_queue.h"

#include "sched/scene.h"

void mri_run_queue_open(mri_run_queue *q, mri_run_slot slot[],
                        uint32_t capacity)
{
    (void)capacity;
    q->slot = slot;
    mri_init(&q->head, 0);
}

static mri_run_node *first_of(const mri_run_queue *q, uint64_t jobs)
{
    mri_job *job = (mri_job *)(void *)q->slot;
    return &job[__builtin_ctzll(jobs)].node;
}

static uint64_t bit_of(const mri_run_queue *q, const mri_run_node *node)
{
    const mri_job *job = mri_container_of(node, const mri_job, node);
    return UINT64_C(1) << (job - (const mri_job *)(void *)q->slot);
}

void mri_run_queue_push(mri_run_queue *q, mri_run_node *node)
{
    mri_or_release(&q->head, bit_of(q, node));
}

void mri_run_queue_push_list(mri_run_queue *q, mri_run_node *first,
                             mri_run_node *last, uint64_t count)
{
    uint64_t jobs = bit_of(q, last);
    for (; count > 1; count--, first = first->next)
        jobs |= bit_of(q, first);
    mri_or_release(&q->head, jobs);
}

mri_run_node *mri_run_queue_pop(mri_run_queue *q)
{
    uint64_t jobs = mri_load_relaxed(&q->head);
    while (jobs)
        if (mri_cas_relaxed(&q->head, &jobs, jobs & (jobs - 1)))
            return first_of(q, jobs);
    return NULL;
}

static uint64_t half_of(uint64_t jobs)
{
    int n = (__builtin_popcountll(jobs) + 1) / 2;
    uint64_t rest = jobs;
    while (n-- > 0)
        rest &= rest - 1;
    return jobs & ~rest;
}

mri_run_node *mri_run_queue_steal_half(mri_run_queue *q, mri_run_queue *mine)
{
    uint64_t jobs = mri_load_relaxed(&q->head);
    while (jobs) {
        uint64_t half = half_of(jobs);
        if (!mri_cas_acquire(&q->head, &jobs, jobs & ~half))
            continue;
        if (half & (half - 1))
            mri_or_release(&mine->head, half & (half - 1));
        return first_of(q, half);
    }
    return NULL;
}

mri_run_node *mri_run_queue_steal(mri_run_queue *q)
{
    uint64_t jobs = mri_load_relaxed(&q->head);
    while (jobs)
        if (mri_cas_acquire(&q->head, &jobs, jobs & (jobs - 1)))
            return first_of(q, jobs);
    return NULL;
}

uint64_t mri_run_queue_size(const mri_run_queue *q)
{
    return (uint64_t)__builtin_popcountll(mri_load_relaxed(&q->head));
}
