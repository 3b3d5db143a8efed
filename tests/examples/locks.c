/* A mill that is shared: a register that many read and few write, sacks that
 * there are only so many of, a hopper between who fills and who grinds, a gate
 * that opens in the morning, and what is set up once. */
#include <millrace.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MILLERS = 4, LOADS = 50, SACKS = 3, ROOM = 2 };

struct mill {
    mr_once built;
    mr_event open;
    mr_latch ready; /* counted down by each miller */
    mr_semaphore sacks;
    mr_rwlock ledger;
    int64_t ground; /* under ledger */
    mr_mutex lock;  /* of the hopper */
    mr_condition filled, emptied;
    int hopper;
    mr_barrier together;
    atomic_int used, locked_up;
};

/* The first to come builds; who comes meanwhile waits until it stands. */
static int64_t builds(void *arg)
{
    struct mill *m = arg;
    mr_semaphore_open(&m->sacks, SACKS);
    mr_latch_open(&m->ready, MILLERS);
    return mr_barrier_open(&m->together, MILLERS);
}

/* ---- The hopper: who changes it tells who waits ------------------------- */

static int64_t fills(struct mill *m)
{
    int64_t rc = mr_mutex_lock(&m->lock);
    if (rc < 0)
        return rc;
    while (rc == 0 && m->hopper == ROOM)
        rc = mr_condition_wait(&m->emptied, &m->lock);
    if (rc == 0) {
        m->hopper++;
        mr_condition_signal(&m->filled);
    }
    mr_mutex_unlock(&m->lock);
    return rc;
}

static int64_t grinds(struct mill *m)
{
    int64_t patience = mr_after(30 * MR_S);
    int64_t rc = mr_mutex_lock_until(&m->lock, patience);
    if (rc < 0)
        return rc;
    while (rc == 0 && m->hopper == 0)
        rc = mr_condition_wait_until(&m->filled, &m->lock, patience);
    if (rc == 0) {
        m->hopper--;
        mr_condition_broadcast(&m->emptied);
    }
    mr_mutex_unlock(&m->lock);
    return rc;
}

/* ---- The millers -------------------------------------------------------- */

/* A sack is taken and given back; there are never more in use than exist. */
static int64_t carries(struct mill *m)
{
    int64_t rc = mr_semaphore_tryacquire(&m->sacks, 1);
    if (rc == MR_EBUSY)
        rc = mr_semaphore_acquire(&m->sacks, 1);
    if (rc < 0)
        return rc;
    if (atomic_fetch_add(&m->used, 1) >= SACKS)
        rc = MR_EPROTO;
    int64_t filled = rc < 0 ? rc : fills(m);
    atomic_fetch_sub(&m->used, 1);
    rc = mr_semaphore_release(&m->sacks, 1);
    return filled < 0 ? filled : rc;
}

static int64_t notes(struct mill *m)
{
    int64_t rc = mr_rwlock_write(&m->ledger);
    if (rc < 0)
        return rc;
    m->ground++;
    return mr_rwlock_unlock(&m->ledger);
}

static int64_t works(struct mill *m)
{
    int64_t rc = 0;
    for (int i = 0; i < LOADS && rc == 0; i++) {
        rc = carries(m);
        if (rc == 0)
            rc = grinds(m);
        if (rc == 0)
            rc = notes(m);
    }
    return rc;
}

static int64_t miller(void *arg)
{
    struct mill *m = arg;
    int64_t rc = mr_once_call(&m->built, builds, m);
    if (rc == 0)
        rc = mr_latch_count_down(&m->ready, 1);
    if (rc == 0)
        rc = mr_event_wait(&m->open);
    if (rc == 0) /* nobody begins before the others are there */
        rc = mr_barrier_wait(&m->together);
    if (rc >= 0)
        rc = works(m);
    if (rc == 0) /* all go home at once, and the last one locks up */
        rc = mr_barrier_wait_until(&m->together, mr_after(30 * MR_S));
    if (rc == MR_BARRIER_LAST)
        atomic_fetch_add(&m->locked_up, 1);
    return rc < 0 ? rc : 0;
}

/* ---- Who looks in ------------------------------------------------------- */

/* What has been ground, as of now: any number may read at the same time. */
static int64_t reads(struct mill *m)
{
    int64_t rc = mr_rwlock_tryread(&m->ledger);
    if (rc == MR_EBUSY)
        rc = mr_rwlock_read(&m->ledger);
    if (rc < 0)
        return rc;
    int64_t ground = m->ground;
    mr_rwlock_unlock(&m->ledger);
    return ground;
}

/* Nobody is in the way in the evening: what can be had without a wait is. */
static int64_t closes(struct mill *m)
{
    int64_t soon = mr_after(30 * MR_S), rc = mr_mutex_trylock(&m->lock);
    if (rc == 0)
        rc = mr_mutex_unlock(&m->lock);
    if (rc == 0 && (rc = mr_rwlock_trywrite(&m->ledger)) == 0)
        rc = mr_rwlock_unlock(&m->ledger);
    if (rc == 0 && (rc = mr_rwlock_read_until(&m->ledger, soon)) == 0)
        rc = mr_rwlock_unlock(&m->ledger);
    if (rc == 0 && (rc = mr_rwlock_write_until(&m->ledger, soon)) == 0)
        rc = mr_rwlock_unlock(&m->ledger);
    if (rc == 0) /* all sacks at once: none is on its way */
        rc = mr_semaphore_acquire_until(&m->sacks, SACKS, soon);
    mr_event_clear(&m->open);
    if (rc == 0 && mr_event_wait_until(&m->open, mr_now()) != MR_ETIMEDOUT)
        rc = MR_EPROTO;
    return rc;
}

/* 0 from each: nobody holds it or waits, so its memory may go. */
static int64_t may_go(struct mill *m)
{
    int busy = mr_mutex_close(&m->lock) | mr_rwlock_close(&m->ledger) |
               mr_semaphore_close(&m->sacks) | mr_condition_close(&m->filled) |
               mr_condition_close(&m->emptied) | mr_latch_close(&m->ready) |
               mr_barrier_close(&m->together) | mr_event_close(&m->open);
    return busy;
}

static int64_t day(struct mill *m)
{
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = mr_once_call(&m->built, builds, m);
    for (int i = 0; i < MILLERS && rc == 0; i++)
        rc = mr_scope_go(&scope, miller, m, 0);
    if (rc == 0)
        rc = mr_latch_wait_until(&m->ready, mr_after(30 * MR_S));
    if (rc == 0)
        rc = mr_event_is_set(&m->open) ? MR_EPROTO : reads(m);
    if (rc < 0)
        mr_scope_cancel(&scope);
    mr_event_set(&m->open);
    int64_t closed = mr_scope_close(&scope);
    return rc < 0 ? rc : closed;
}

static int64_t root(void *arg)
{
    struct mill *m = arg;
    int64_t rc = day(m);
    if (rc == 0)
        rc = closes(m);
    if (rc == 0)
        rc = may_go(m);
    return rc < 0 ? rc : reads(m);
}

int main(void)
{
    static struct mill mill; /* zeros: all of it is valid, nobody holds it */
    int64_t ground = mr_main(NULL, root, &mill);
    if (ground < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(ground), mr_strerror(ground));
        return EXIT_FAILURE;
    }
    printf("%d loads ground, %d locked up\n", (int)ground, mill.locked_up);
    return ground == MILLERS * LOADS && mill.locked_up == 1 ? EXIT_SUCCESS
                                                            : EXIT_FAILURE;
}
