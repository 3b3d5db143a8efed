#include "async/select_scene.h"

enum { A_HANDLE = 5 };

static struct select_state *scene;

__attribute__((no_sanitize("thread"))) static void
set_scene(struct select_state *x)
{
    scene = x;
}

__attribute__((no_sanitize("thread"))) static struct select_state *
get_scene(void)
{
    return scene;
}

/* ---- Handles: as io/readiness.c ----------------------------------------- */

int mri_readiness_open(mri_strand *s, mr_handle h, mri_desc **out)
{
    (void)s;
    model_assert(h == A_HANDLE);
    *out = &get_scene()->desc;
    return 0;
}

void mri_readiness_close(mri_strand *s, mri_desc *d)
{
    (void)s;
    (void)d;
}

static void tell(struct select_state *x, mri_ready_waiter waiter)
{
    if (!waiter)
        return;
    mri_strand *s = &x->s.scene.strand[mri_ready_strand(waiter)];
    uint64_t reached = mri_load_relaxed(&s->park.word) >> 3;
    mri_given given = MRI_GIVEN_NONE;
    mri_seeker k = {.strand = s, .count = mri_ready_count(waiter, reached)};
    if (mri_seeker_give(&k, &given))
        mri_given_tell(&given);
}

int mri_readiness_look(mri_strand *s, mri_desc *d, enum mri_dir dir)
{
    struct select_state *x = get_scene();
    (void)s;
    if (!mri_ready_take(&d->ready[dir]) || !mri_load_acquire(&x->kernel))
        return 0;
    tell(x, mri_ready_set(&d->ready[dir], 0));
    return 1;
}

int mri_readiness_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                       uint64_t count)
{
    mri_ready_waiter me = mri_ready_waiter_of(s->index, count);
    switch (mri_ready_wait(&d->ready[dir], me)) {
    case MRI_READY_WAITS:
        return 0;
    case MRI_READY_NOW:
        return 1;
    case MRI_READY_BUSY:
        return MR_EBUSY;
    default:
        return MR_EBADF;
    }
}

int mri_readiness_end(mri_strand *s, mri_desc *d, enum mri_dir dir,
                      uint64_t count)
{
    mri_ready_word *r = &d->ready[dir];
    if (mri_ready_unwait(r, mri_ready_waiter_of(s->index, count)))
        return 0;
    return mri_ready_is_closed(r) ? MR_EBADF : 1;
}

void scene_ready(struct select_state *x)
{
    mri_store_release(&x->kernel, 1);
    tell(x, mri_ready_set(&x->desc.ready[MRI_DIR_READ], 0));
}

void scene_close(struct select_state *x)
{
    tell(x, mri_ready_close(&x->desc.ready[MRI_DIR_READ]));
}

/* ---- Futures: as async/future.c ----------------------------------------- */

static bool announce(mr_future *f)
{
    uintptr_t list = mri_load_acquire(&f->list);
    while (!(list & (MRI_FUTURE_DONE | MRI_FUTURE_BIDS)))
        if (mri_cas_acq_rel(&f->list, &list, list | MRI_FUTURE_BIDS))
            return true;
    return !(list & MRI_FUTURE_DONE);
}

bool mri_future_bid(mr_future *f, mri_bid *bid, mri_seeker *k)
{
    mri_lock_acquire(&f->lock);
    bool in = announce(f);
    if (in)
        mri_bids_add(&f->bids, bid, k);
    mri_lock_release(&f->lock);
    return in;
}

void mri_future_withdraw(mr_future *f, mri_bid *bid)
{
    mri_lock_acquire(&f->lock);
    (void)mri_bids_withdraw(&f->bids, bid);
    mri_lock_release(&f->lock);
}

void scene_complete(struct select_state *x)
{
    mr_future *f = x->future;
    mri_given given = MRI_GIVEN_NONE;
    f->value = 7;
    if (!(mri_swap_acq_rel(&f->list, MRI_FUTURE_DONE) & MRI_FUTURE_BIDS))
        return;
    mri_lock_acquire(&f->lock);
    for (mri_bid *bid; (bid = mri_bids_take(&f->bids));)
        (void)!mri_seeker_give(bid->seeker, &given);
    mri_lock_release(&f->lock);
    mri_given_tell(&given);
}

/* ---- The scene ---------------------------------------------------------- */

void scene_select(struct select_state *x, size_t capacity, unsigned foreign)
{
    set_scene(x);
    scene_channels(&x->s, capacity, foreign);
    for (uint32_t i = 0; i < STRANDS; i++)
        x->s.scene.strand[i].index = i;
    x->s.scene.worker.random = 1;
    mri_ready_init(&x->desc.ready[MRI_DIR_READ]);
    x->future = model_alloc(sizeof *x->future);
    x->future->heap = &x->heap;
    mri_lock_init(&x->future->lock);
    model_name(&x->desc.ready[MRI_DIR_READ], 8, "ready");
    model_name(&x->future->list, 8, "future");
}

void scene_select_check(struct select_state *x)
{
    scene_channels_check(&x->s);
    model_assert(!x->future->bids.first);
    model_free(x->future);
}
