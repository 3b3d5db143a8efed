/* What must hold of batches: a block has one user at a time, who sees that the
 * batch was begun; memory is the caller's again once, when nobody uses a block
 * of it, and whoever it is sees what all of them did. */
#include "parts/batch.h"

#include "model.h"

enum { BATCHES = 3 };

struct state {
    mri_atomic_uptr word;
    void *raw[BATCHES];
    char *memory[BATCHES];
    int users[BATCHES][MRI_BATCH_BLOCKS]; /* plain: a block's user's */
    int freed[BATCHES];                   /* plain: whoever got it back */
    mri_batch_cutter cutter;
    mri_atomic_ptr handed[2]; /* blocks, from who cut them */
};

static void *aligned(void *block)
{
    uintptr_t mask = MRI_BATCH_ALIGN - 1;
    return (void *)(((uintptr_t)block + mask) & ~mask);
}

static void open(void *a)
{
    struct state *s = a;
    model_name(&s->word, 8, "word");
    for (int i = 0; i < BATCHES; i++) {
        s->raw[i] = model_alloc(MRI_BATCH_SIZE + MRI_BATCH_ALIGN);
        s->memory[i] = aligned(s->raw[i]);
        model_name(s->memory[i], 4, "left");
    }
}

static void close(struct state *s)
{
    for (int i = 0; i < BATCHES; i++)
        model_free(s->raw[i]);
}

static int index_of(struct state *s, void *block)
{
    for (int i = 0; i < BATCHES; i++)
        if ((char *)mri_batch_of(block) == s->memory[i])
            return i;
    model_assert(!"a block is one of a batch");
    return 0;
}

static void use(struct state *s, char *block)
{
    int i = index_of(s, block);
    int *user = &s->users[i][(block - s->memory[i]) / MRI_BATCH_BLOCK - 1];
    model_assert(++*user == 1);
    --*user;
}

static void got_back(struct state *s, void *memory)
{
    if (!memory)
        return;
    int i = index_of(s, memory);
    for (int j = 0; j < MRI_BATCH_BLOCKS; j++)
        model_assert(s->users[i][j]++ == 0);
    for (int j = 0; j < MRI_BATCH_BLOCKS; j++)
        s->users[i][j]--;
    s->freed[i]++;
}

static void give_back(struct state *s, void *block)
{
    mri_batch *batch = mri_batch_of(block);
    if (mri_batch_give_back(batch, 1))
        got_back(s, batch);
}

/* ---- A shared word ------------------------------------------------------ */

/* False: neither cut nor offered, and `memory` is still the caller's. */
static bool cut_or_offer(struct state *s, void *memory)
{
    char *block = mri_batch_cut_shared(&s->word);
    bool offered = !block && (block = mri_batch_offer(&s->word, memory));
    if (!block)
        block = mri_batch_cut_shared(&s->word);
    if (block) {
        use(s, block);
        give_back(s, block);
    }
    return offered;
}

static void cuts_or_offers_0(void *a)
{
    struct state *s = a;
    if (!cut_or_offer(s, s->memory[0]))
        s->freed[0]++;
}

static void cuts_or_offers_1(void *a)
{
    struct state *s = a;
    if (!cut_or_offer(s, s->memory[1]))
        s->freed[1]++;
}

static void cuts_or_offers_2(void *a)
{
    struct state *s = a;
    if (!cut_or_offer(s, s->memory[2]))
        s->freed[2]++;
}

static void cuts_3_times(void *a)
{
    struct state *s = a;
    for (int i = 0; i < 3; i++) {
        char *block = mri_batch_cut_shared(&s->word);
        if (!block)
            continue;
        use(s, block);
        give_back(s, block);
    }
}

static void withdrawn(void *a)
{
    struct state *s = a;
    got_back(s, mri_batch_withdraw(&s->word));
    for (int i = 0; i < BATCHES; i++)
        model_assert(s->freed[i] == 1);
    close(s);
}

static void open_offered(void *a)
{
    struct state *s = a;
    open(a);
    char *block = mri_batch_offer(&s->word, s->memory[0]);
    give_back(s, block);
    s->freed[2] = 1;
}

/* ---- An owner ----------------------------------------------------------- */

static void owner_hands_2(void *a)
{
    struct state *s = a;
    mri_batch_load(&s->cutter, s->memory[0]);
    for (int i = 0; i < 2; i++) {
        char *block = mri_batch_cut(&s->cutter);
        use(s, block);
        mri_store_release(&s->handed[i], block);
    }
    got_back(s, mri_batch_unload(&s->cutter));
}

static void owner_hands_1(void *a)
{
    struct state *s = a;
    mri_batch_load(&s->cutter, s->memory[0]);
    mri_store_release(&s->handed[0], mri_batch_cut(&s->cutter));
    got_back(s, mri_batch_unload(&s->cutter));
}

static char *await_handed(struct state *s, int i)
{
    char *block;
    while (!(block = mri_load_acquire(&s->handed[i])))
        mri_pause();
    use(s, block);
    return block;
}

static void gives_back_first(void *a)
{
    give_back(a, await_handed(a, 0));
}

static void returns_second(void *a)
{
    mri_batch_returner r = {NULL, 0};
    got_back(a, mri_batch_return(&r, await_handed(a, 1)));
    got_back(a, mri_batch_flush(&r));
}

static void returns_both(void *a)
{
    mri_batch_returner r = {NULL, 0};
    got_back(a, mri_batch_return(&r, await_handed(a, 0)));
    got_back(a, mri_batch_return(&r, await_handed(a, 1)));
    got_back(a, mri_batch_flush(&r));
}

static void first_is_free(void *a)
{
    struct state *s = a;
    model_assert(s->freed[0] == 1);
    close(s);
}

#define BATCH(name_, setup_, finish_, ...)                                     \
    MODEL(batch_##name_, .state_size = sizeof(struct state),                   \
          .setup = (setup_), .finish = (finish_), .thread = {__VA_ARGS__})

BATCH(three_cut_or_offer, open, withdrawn, cuts_or_offers_0, cuts_or_offers_1,
      cuts_or_offers_2)
BATCH(two_cut_what_was_offered, open_offered, withdrawn, cuts_3_times,
      cuts_or_offers_1)
BATCH(an_owner_and_two_who_give_back, open, first_is_free, owner_hands_2,
      gives_back_first, returns_second)
BATCH(an_owner_who_leaves_off, open, first_is_free, owner_hands_1,
      gives_back_first)
BATCH(an_owner_and_one_who_returns, open, first_is_free, owner_hands_2,
      returns_both)
