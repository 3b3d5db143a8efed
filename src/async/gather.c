/* Futures of several: mr_all, mr_any, mr_race, mr_settled.
 *
 * A gathering has a reference to each of its members until that has told it,
 * or until somebody takes it, to cancel the member: one exchange of the place
 * where it stands. All members together have one reference to the gathering;
 * the last to tell gives it up, and so no other may touch it once `left` was
 * counted down.
 *
 *   f    NULL --join--> the reference --told--> TOLD
 *        NULL --told--> TOLD, and join gives the reference up itself
 *        anything --take--> NULL
 *
 * The maker has the reference until it has followed: only then it puts it into
 * its place, since who finds it there may give it up at once.
 *
 * What it has is decided once (mri_future_decide), by whichever member, or by
 * who cancels it. Who decides takes the references that are left. One that is
 * put into its place later, while the gathering is being made, is taken by its
 * maker: of the two exchanges of that place either the maker's came first, and
 * the other found the reference; or it came later, and acquires the decision.
 * (Also where the other took TOLD away: that member's reference is then given
 * up as one of those that are left.)
 */
#include "async/future.h"

#include <millrace/error.h>

enum how { ALL, ANY, RACE, SETTLED };

typedef struct member {
    mri_follower follower;
    mr_future *gathering; /* constant */
    mri_atomic_ptr f;     /* the reference, NULL or TOLD */
} member;

#define TOLD ((void *)1) /* no future lies there */

typedef struct gathering {
    enum how how; /* constant, the first three */
    size_t n;
    int64_t *value;
    mri_atomic_u64 left;     /* members that have not told, and the maker */
    mri_atomic(int64_t) sum; /* mr_any: the first error; mr_settled: how many
                                have failed */
    member member[];
} gathering;

static gathering *gathering_of(const mr_future *c)
{
    return (gathering *)c->arg;
}

/* The reference, if it is there; in its place comes `then`. */
static mr_future *take(member *m, void *then)
{
    /* Acquire, release: see above. */
    void *f = mri_swap_acq_rel(&m->f, then);
    return f == TOLD ? NULL : f;
}

mr_future *mri_gather_take(mr_future *c, size_t *from)
{
    gathering *g = gathering_of(c);
    while (*from < g->n) {
        mr_future *f = take(&g->member[(*from)++], NULL);
        if (f)
            return f;
    }
    return NULL;
}

bool mri_gather_is_patient(const mr_future *c)
{
    return gathering_of(c)->how == SETTLED;
}

static void cancel_rest(mr_future *c)
{
    size_t from = 0;
    mr_future *f;
    while ((f = mri_gather_take(c, &from)))
        mri_future_cancel(f, true);
}

/* ---- Being told --------------------------------------------------------- */

/* st is NULL outside of a settling: for the maker. */
static void decide(mr_future *c, int64_t value, mri_settling *st)
{
    if (mri_future_decide(c) < 0)
        return;
    if (st)
        mri_settling_complete(st, c, value);
    else
        mri_future_publish(c, mri_heap_here(c->heap, mri_strand_self()), value);
    cancel_rest(c);
}

static void note(mr_future *c, size_t i, int64_t value, mri_settling *st)
{
    gathering *g = gathering_of(c);
    int64_t none = 0;
    switch (g->how) {
    case ALL:
        if (value < 0)
            decide(c, value, st);
        break;
    case ANY:
        if (value >= 0)
            decide(c, value, st);
        else
            (void)mri_cas_relaxed(&g->sum, &none, value); /* read by the last */
        break;
    case RACE:
        decide(c, value, st);
        break;
    case SETTLED:
        if (g->value)
            g->value[i] = value;
        if (value < 0)
            mri_add_relaxed(&g->sum, 1); /* read by the last */
        break;
    }
}

/* One less that has not told. */
static void count_down(mr_future *c, mri_settling *st)
{
    gathering *g = gathering_of(c);
    /* LAST TOUCH, but for the last. Release: what was noted. Acquire: the
     * others'. */
    if (mri_sub_acq_rel(&g->left, 1) > 1)
        return;
    decide(c, mri_load_relaxed(&g->sum), st);
    mri_future_release(c, 1, false);
}

static uint32_t told(mri_follower *follower, mr_future *f, mri_settling *st)
{
    member *m = mri_container_of(follower, member, follower);
    mr_future *c = m->gathering;
    uint32_t refs = take(m, TOLD) ? 1 : 0;
    note(c, (size_t)(m - gathering_of(c)->member), f->value, st);
    count_down(c, st);
    return refs;
}

/* ---- Making ------------------------------------------------------------- */

/* After it has followed f: the reference into its place. */
static void put(member *m, mr_future *f)
{
    /* Acquire, release: see above. */
    if (mri_swap_acq_rel(&m->f, f) == TOLD && take(m, TOLD))
        mri_future_release(f, 1, true);
}

static void join(mr_future *c, size_t i, mr_future *f)
{
    member *m = &gathering_of(c)->member[i];
    m->gathering = c;
    m->follower.told = told;
    if (!mri_future_is_code(f) && mri_future_follow(f, &m->follower)) {
        put(m, f);
        return;
    }
    note(c, i, mri_future_value(f), NULL);
    if (!mri_future_is_code(f))
        mri_future_release(f, 1, true);
    count_down(c, NULL);
}

static void begin(mr_future *c, enum how how, mr_future *const f[], size_t n,
                  int64_t value[])
{
    gathering *g = gathering_of(c);
    g->how = how;
    g->n = n;
    g->value = value;
    mri_init(&g->left, n + 1);
    mri_init(&g->sum, 0);
    for (size_t i = 0; i < n; i++)
        mri_init(&g->member[i].f, NULL);
    for (size_t i = 0; i < n; i++)
        join(c, i, f[i]);
    /* Relaxed: acquired with the places, see above. */
    if (mri_load_relaxed(&c->stage) != MRI_FUTURE_QUEUED)
        cancel_rest(c);
    count_down(c, NULL);
}

/* 0, MR_EPERM, or MR_ECANCELED: it has stopped. */
static int runtime_for(mr_future *const f[], size_t n, mri_strand *s,
                       mr_runtime **rt)
{
    *rt = s ? s->worker->runtime : NULL;
    size_t i = 0;
    while (!s && i < n && mri_future_is_code(f[i]))
        i++;
    if (!s && i == n)
        return MR_EPERM;
    if (!s)
        *rt = mri_heap_runtime(f[i]->heap);
    if (!*rt)
        return MR_ECANCELED;
    return mri_runtime_is_here(*rt) ? 0 : MR_EPERM;
}

static int make(mr_runtime *rt, mri_strand *s, size_t n, void *site,
                mr_future **out)
{
    size_t size = sizeof(gathering) + n * sizeof(member);
    mri_heap *heap = n < UINT32_MAX / sizeof(member) ? mri_heap_of(rt) : NULL;
    mri_strand *here = heap ? mri_heap_here(heap, s) : NULL;
    mr_future *c =
        heap ? mri_future_new(heap, here, MRI_FUTURE_GATHER, 3, NULL, size)
             : NULL;
    if (!c)
        return MR_ENOMEM;
    int rc = mri_future_count(c, here, NULL, site);
    if (rc < 0)
        mri_future_unmake(c, here);
    *out = c;
    return rc;
}

static int attempt(enum how how, mr_future *const f[], size_t n,
                   int64_t value[], void *site, mr_future **out)
{
    mri_strand *s = mri_strand_self();
    mr_runtime *rt;
    if (n == 0 && (how == ANY || how == RACE))
        return MR_EINVAL;
    int rc = runtime_for(f, n, s, &rt);
    if (rc == 0)
        rc = make(rt, s, n, site, out);
    if (rc == 0)
        begin(*out, how, f, n, value);
    return rc;
}

static mr_future *gather(enum how how, mr_future *const f[], size_t n,
                         int64_t value[], void *site)
{
    mr_future *c;
    int rc = attempt(how, f, n, value, site, &c);
    if (mri_likely(rc == 0))
        return c;
    for (size_t i = 0; i < n; i++)
        mr_drop(f[i]);
    return mri_future_of_code(rc);
}

mr_future *mr_all(mr_future *const f[], size_t n)
{
    return gather(ALL, f, n, NULL, MRI_CALL_SITE());
}

mr_future *mr_any(mr_future *const f[], size_t n)
{
    return gather(ANY, f, n, NULL, MRI_CALL_SITE());
}

mr_future *mr_race(mr_future *const f[], size_t n)
{
    return gather(RACE, f, n, NULL, MRI_CALL_SITE());
}

mr_future *mr_settled(mr_future *const f[], size_t n, int64_t value[])
{
    return gather(SETTLED, f, n, value, MRI_CALL_SITE());
}
