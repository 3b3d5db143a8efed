/* What must hold of the slab: a block has one holder at a time, who sees what
 * the one before left; close waits for all; whoever puts a block back from
 * afar touches neither it nor the slab afterwards. A page is 64 bytes
 * (parts/pages.c). */
#include "parts/slab.h"

#include "model.h"

#include <millrace/error.h>

enum { MOST = 4 };

struct item {
    mri_slab_block link;
    uint64_t uses; /* plain: the holder's */
};

struct state {
    mri_slab *slab; /* in a block of its own, which can die */
    mri_atomic(struct item *) shown[MOST];
};

static struct item *get(struct state *s)
{
    void *out = NULL;
    model_assert(mri_slab_get(s->slab, &out) == 0);
    struct item *item = out;
    item->link.next = NULL; /* all of it is the holder's */
    item->uses++;
    return item;
}

static void show(struct state *s, int i, struct item *item)
{
    mri_store_release(&s->shown[i], item);
}

static void open_n(struct state *s, int shown)
{
    s->slab = model_alloc(sizeof *s->slab);
    model_assert(mri_slab_open(s->slab, sizeof(struct item), 64) == 0);
    model_name(&s->slab->remote, 8, "remote");
    for (int i = 0; i < shown; i++)
        mri_init(&s->shown[i], get(s));
}

static void open_0(void *a)
{
    open_n(a, 0);
}

static void open_1(void *a)
{
    open_n(a, 1);
}

static void open_2(void *a)
{
    open_n(a, 2);
}

static void put_back(struct state *s, int i)
{
    struct item *item = mri_load_acquire(&s->shown[i]);
    if (!item)
        return;
    mri_slab *slab = s->slab;
    item->uses++;
    mri_slab_put_remote(slab, item);
}

static void put_0(void *a)
{
    put_back(a, 0);
}

static void put_1(void *a)
{
    put_back(a, 1);
}

static void put_both(void *a)
{
    put_back(a, 0);
    put_back(a, 1);
}

static void close_and_free(struct state *s)
{
    uint64_t live = 99;
    while (mri_slab_close(s->slab, &live) == MR_EBUSY) {
        model_assert(live >= 1 && live <= MOST);
        mri_pause();
    }
    model_assert(live == 0);
    model_free(s->slab);
}

static void get_two_put_two_close(void *a)
{
    struct state *s = a;
    struct item *x = get(s), *y = get(s);
    model_assert(x != y);
    mri_slab_put(s->slab, y);
    mri_slab_put(s->slab, x);
    mri_slab_check(s->slab);
    close_and_free(s);
}

static void close_only(void *a)
{
    close_and_free(a);
}

/* Put back only if the owner had shown it before we looked; else it is the
 * owner's to put, who learns so by taking it back. */
static void put_if_shown(void *a)
{
    struct state *s = a;
    struct item *item = mri_swap_acquire(&s->shown[0], (struct item *)NULL);
    mri_slab *slab = s->slab;
    if (item) {
        item->uses++;
        mri_slab_put_remote(slab, item);
    }
}

static void show_take_back_get_close(void *a)
{
    struct state *s = a;
    show(s, 0, get(s));
    struct item *y = get(s);
    struct item *mine = mri_swap_acquire(&s->shown[0], (struct item *)NULL);
    if (mine)
        mri_slab_put(s->slab, mine);
    mri_slab_put(s->slab, y);
    struct item *z = get(s);
    mri_slab_put(s->slab, z);
    close_and_free(s);
}

static void count_live(void *a)
{
    struct state *s = a;
    mri_slab_stats stats;
    mri_slab_stats_get(s->slab, &stats);
    model_assert(stats.live <= 2 && stats.live + stats.free == 2);
    close_and_free(s);
}

#define SLAB(name_, setup_, ...)                                               \
    MODEL(slab_##name_, .state_size = sizeof(struct state), .setup = (setup_), \
          .thread = {__VA_ARGS__}, .spurious = MODEL_NONE,                     \
          .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)

SLAB(remote_put_against_get, open_1, get_two_put_two_close, put_0)
SLAB(two_remote_puts_against_get, open_2, get_two_put_two_close, put_0, put_1)
SLAB(remote_puts_in_turn, open_2, get_two_put_two_close, put_both)
SLAB(close_waits_for_the_last, open_2, close_only, put_0, put_1)
SLAB(stats_against_remote_puts, open_2, count_live, put_0, put_1)
SLAB(shown_then_put_by_another, open_0, show_take_back_get_close, put_if_shown)
MODEL(slab_every_interleaving_of_close_and_put,
      .state_size = sizeof(struct state), .setup = open_1,
      .thread = {close_only, put_0}, .spurious = 1, .bound = MODEL_UNBOUNDED,
      .deep_bound = MODEL_UNBOUNDED)
