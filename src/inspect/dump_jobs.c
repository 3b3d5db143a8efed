/* What waits to be begun: jobs in the workers' queues and in the inbox. */
#include "inspect/dump.h"

#include "os/peek.h"
#include <millrace/error.h>

/* Strands that are ready stand there too, and tokens; they were shown. */
static bool is_of_strand(const mr_runtime *rt, const mri_run_node *node)
{
    const mri_strand_pool *pool = &rt->pool;
    uintptr_t offset = (uintptr_t)node - (uintptr_t)pool->control;
    return offset < pool->most * pool->control_size;
}

static const mri_job *job_of(const mri_run_node *node)
{
    return mri_container_of((mri_run_node *)(uintptr_t)node, mri_job, node);
}

static void put_place(mri_dump *d, const char *where, uint32_t worker)
{
    mri_text_put(&d->line, where);
    if (worker != UINT32_MAX)
        mri_text_decimal(&d->line, worker);
}

static void put_job(mri_dump *d, const char *where, uint32_t worker,
                    const struct mri_dump_job *job)
{
    mri_text_put(&d->line, "job in ");
    put_place(d, where, worker);
    mri_text_put(&d->line, ": ");
    if (job->code)
        mri_dump_code(d, job->code);
    else
        mri_text_put(&d->line, "?");
    mri_dump_site(d, job->site);
    mri_dump_line(d);
}

/* Whether nobody may look at memory here, which is told. Otherwise what could
 * not be read is gone. */
static bool put_refused(mri_dump *d, const char *where, uint32_t worker, int rc)
{
    if (rc == 0 || rc == MR_EFAULT)
        return false;
    mri_text_put(&d->line, "jobs in ");
    put_place(d, where, worker);
    mri_text_put(&d->line, ": cannot be read: ");
    mri_text_put(&d->line, mr_error_name(rc));
    mri_dump_line(d);
    return true;
}

static const char queue_of[] = "the queue of worker ";
static const char inbox[] = "the inbox";

/* What the ring holds may be taken, run and freed at any time: it is looked at
 * by the kernel's eyes, and is true if it has not been taken when that was
 * done. Acquire: with what whoever pushed it wrote. */
static void put_ring(mri_dump *d, uint32_t worker)
{
    mri_run_queue *q = &d->rt->worker[worker].queue;
    uint64_t head = mri_load_relaxed(&q->head);
    uint64_t tail = mri_load_acquire(&q->tail);
    for (; head < tail; head++) {
        mri_run_node *node =
            mri_run_entry_node(mri_load_relaxed(&q->slot[head & q->mask]));
        mri_job copy;
        if (!node || is_of_strand(d->rt, node))
            continue;
        int rc = mri_peek(&copy, job_of(node), sizeof copy);
        mri_fence_acquire(); /* the copy, then the look at head */
        if (mri_load_relaxed(&q->head) > head)
            continue;
        if (put_refused(d, queue_of, worker, rc))
            return;
        struct mri_dump_job job = {
            rc < 0 ? 0 : (uintptr_t)copy.fn,
            rc < 0 ? 0 : (uintptr_t)mri_node_site(&copy.node)};
        put_job(d, queue_of, worker, &job);
    }
}

static void put_jobs(mri_dump *d, const char *where, uint32_t worker,
                     uint32_t count, uint64_t more)
{
    for (uint32_t i = 0; i < count; i++)
        put_job(d, where, worker, &d->jobs[i]);
    if (more == 0)
        return;
    mri_text_decimal(&d->line, more);
    mri_text_put(&d->line, " more in ");
    put_place(d, where, worker);
    mri_dump_line(d);
}

/* Under the lock nothing leaves the list, so what is in it is there. */
static void put_spilled(mri_dump *d, uint32_t worker)
{
    mri_run_queue *q = &d->rt->worker[worker].queue;
    uint32_t count = 0;
    mri_lock_acquire(&q->lock);
    uint64_t left = mri_load_relaxed(&q->spilled);
    for (mri_run_node *node = q->first; left > 0 && count < MRI_DUMP_JOBS;
         left--) {
        if (!is_of_strand(d->rt, node)) {
            const mri_job *job = job_of(node);
            d->jobs[count++] = (struct mri_dump_job){
                (uintptr_t)job->fn, (uintptr_t)mri_node_site(node)};
        }
        node = left > 1 ? node->next : NULL;
    }
    mri_lock_release(&q->lock);
    put_jobs(d, queue_of, worker, count, left);
}

/* Newest first, and the whole may be taken at any time: a chain that was cut
 * off ends with the first node that is none. */
static void put_inbox(mri_dump *d)
{
    const mri_run_node *node =
        (const mri_run_node *)(mri_load_acquire(&d->rt->inbox.newest) &
                               ~(uintptr_t)7);
    for (uint32_t i = 0; node && i < MRI_DUMP_JOBS; i++) {
        mri_job copy;
        bool strand = is_of_strand(d->rt, node);
        int rc = strand ? mri_peek(&copy.node, node, sizeof copy.node)
                        : mri_peek(&copy, job_of(node), sizeof copy);
        if (rc < 0) {
            put_refused(d, inbox, UINT32_MAX, rc);
            return;
        }
        if (!strand)
            put_job(
                d, inbox, UINT32_MAX,
                &(struct mri_dump_job){(uintptr_t)copy.fn,
                                       (uintptr_t)mri_node_site(&copy.node)});
        node = copy.node.next;
    }
}

void mri_dump_jobs(mri_dump *d)
{
    for (uint32_t i = 0; i < mri_seats(d->rt); i++) {
        put_ring(d, i);
        put_spilled(d, i);
    }
    put_inbox(d);
}
