#include "parts/batch.h"

#include "test.h"

#include <stdlib.h>

static void *memory_new(void)
{
    void *memory;
    EXPECT_EQ(posix_memalign(&memory, MRI_BATCH_ALIGN, MRI_BATCH_SIZE), 0);
    return memory;
}

TEST(batch, owner_cuts_each_block_once_and_all_lie_within)
{
    mri_batch_cutter c = {NULL, NULL};
    char *memory = memory_new();
    EXPECT(mri_batch_cut(&c) == NULL);
    mri_batch_load(&c, memory);
    for (int i = 1; i <= MRI_BATCH_BLOCKS; i++) {
        char *block = mri_batch_cut(&c);
        EXPECT(block == memory + (ptrdiff_t)MRI_BATCH_BLOCK * i);
        EXPECT((void *)mri_batch_of(block) == memory);
    }
    EXPECT(memory + MRI_BATCH_SIZE ==
           memory + (ptrdiff_t)MRI_BATCH_BLOCK * (MRI_BATCH_BLOCKS + 1));
    EXPECT(mri_batch_cut(&c) == NULL);
    EXPECT(mri_batch_unload(&c) == NULL);
    free(memory);
}

TEST(batch, memory_is_the_callers_when_the_last_block_is_back)
{
    mri_batch_cutter c = {NULL, NULL};
    void *memory = memory_new();
    mri_batch_load(&c, memory);
    for (uint32_t i = 0; i < MRI_BATCH_BLOCKS; i++) {
        mri_batch *batch = mri_batch_of(mri_batch_cut(&c));
        EXPECT_EQ(mri_batch_give_back(batch, 1), i + 1 == MRI_BATCH_BLOCKS);
    }
    free(memory);
}

TEST(batch, blocks_that_were_never_cut_are_back_when_their_owner_leaves_off)
{
    mri_batch_cutter c = {NULL, NULL};
    void *memory = memory_new();
    for (int last = 0; last < 2; last++) {
        mri_batch_load(&c, memory);
        mri_batch *batch = mri_batch_of(mri_batch_cut(&c));
        (void)mri_batch_cut(&c);
        EXPECT(!mri_batch_give_back(batch, last ? 2 : 1));
        EXPECT(mri_batch_unload(&c) == (last ? memory : NULL));
        if (!last)
            EXPECT(mri_batch_give_back(batch, 1));
        EXPECT(mri_batch_cut(&c) == NULL);
    }
    free(memory);
}

TEST(batch, returner_gives_back_when_the_batch_changes)
{
    mri_batch_cutter a = {NULL, NULL}, b = {NULL, NULL};
    mri_batch_returner r = {NULL, 0};
    void *one = memory_new(), *other = memory_new();
    mri_batch_load(&a, one);
    mri_batch_load(&b, other);
    for (int i = 0; i < MRI_BATCH_BLOCKS; i++)
        EXPECT(mri_batch_return(&r, mri_batch_cut(&a)) == NULL);
    EXPECT(mri_batch_return(&r, mri_batch_cut(&b)) == one);
    EXPECT(mri_batch_flush(&r) == NULL);
    EXPECT(mri_batch_flush(&r) == NULL);
    EXPECT(mri_batch_unload(&b) == other);
    free(one);
    free(other);
}

TEST(batch, shared_word_cuts_until_it_is_used_up_and_takes_one_offer)
{
    mri_atomic_uptr word;
    mri_init(&word, 0);
    char *one = memory_new(), *other = memory_new();
    EXPECT(mri_batch_cut_shared(&word) == NULL);
    EXPECT(mri_batch_offer(&word, one) == one + MRI_BATCH_BLOCK);
    for (int i = 2; i <= MRI_BATCH_BLOCKS; i++) {
        EXPECT(mri_batch_offer(&word, other) == NULL);
        EXPECT(mri_batch_cut_shared(&word) ==
               one + (ptrdiff_t)MRI_BATCH_BLOCK * i);
    }
    EXPECT(mri_batch_cut_shared(&word) == NULL);
    EXPECT(mri_batch_offer(&word, other) == other + MRI_BATCH_BLOCK);
    EXPECT(mri_batch_give_back((mri_batch *)one, MRI_BATCH_BLOCKS));
    EXPECT(!mri_batch_give_back((mri_batch *)other, 1));
    EXPECT(mri_batch_withdraw(&word) == other);
    EXPECT(mri_batch_cut_shared(&word) == NULL);
    EXPECT(mri_batch_withdraw(&word) == NULL);
    free(one);
    free(other);
}
