/* Faults of memory: races, blocks and frames that are gone; and models that are
 * wrong themselves. */
#include "faults.h"

#include "base/assert.h"

#include <string.h>

/* ---- Data races --------------------------------------------------------- */

static void write_byte_0(void *a)
{
    ((struct shared *)a)->bytes[0] = 1;
}

static void write_byte_1(void *a)
{
    ((struct shared *)a)->bytes[1] = 1;
}

static void read_byte_0(void *a)
{
    model_assert(((struct shared *)a)->bytes[0] < 2);
}

static void plain_word(void *a)
{
    ((struct shared *)a)->word.cell = 1;
}

static void atomic_word(void *a)
{
    mri_store_relaxed(&((struct shared *)a)->word, 2);
}

static void clear_all(void *a)
{
    memset(((struct shared *)a)->bytes, 0, 16);
}

FINE(race_neighbouring_bytes_do_not, write_byte_0, write_byte_1)
FINE(race_two_readers_do_not, read_byte_0, read_byte_0)
BROKEN(race_two_writers, "data race on ", write_byte_0, write_byte_0)
BROKEN(race_write_and_read, "data race on ", write_byte_0, read_byte_0)
BROKEN(race_atomic_and_plain, "data race on ", plain_word, atomic_word)
BROKEN(race_memset, "data race on ", clear_all, read_byte_0)

/* ---- Memory that is gone ------------------------------------------------ */

static void give_block(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *block = model_alloc(sizeof *block);
    mri_init(block, 5);
    mri_store_release(&s->pointer, block);
    while (!mri_load_acquire(&s->done))
        mri_pause();
    model_free(block);
}

static void use_block(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *block = mri_load_acquire(&s->pointer);
    if (block)
        model_assert(mri_load_relaxed(block) == 5);
    mri_store_release(&s->done, 1);
}

static void use_block_late(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *block = mri_load_acquire(&s->pointer);
    mri_store_release(&s->done, 1);
    if (block)
        mri_load_relaxed(block);
}

/* The load is before the store that allows the free, but nothing says so. */
static void use_block_unordered(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *block = mri_load_acquire(&s->pointer);
    if (block)
        mri_load_relaxed(block);
    mri_store_relaxed(&s->done, 1);
}

static void free_and_tell(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *block = model_alloc(sizeof *block);
    model_free(block);
    mri_store_release(&s->pointer, block);
}

static void use_when_told(void *a)
{
    mri_atomic_u32 *block = mri_load_acquire(&((struct shared *)a)->pointer);
    if (block)
        mri_load_relaxed(block);
}

static void free_twice(void *a)
{
    (void)a;
    void *block = model_alloc(8);
    model_free(block);
    model_free(block);
}

static void free_none(void *a)
{
    (void)a;
    model_alloc(8);
}

static void overrun(void *a)
{
    (void)a;
    char *block = model_alloc(5);
    block[5] = 1;
    model_free(block);
}

static mri_atomic_u32 outside_word;

static void loads_outside(void *a)
{
    (void)a;
    mri_load_relaxed(&outside_word);
}

static void compares_bytes(void *a)
{
    struct shared *s = a;
    char zeros[16] = {0};
    model_assert(memcmp(s->bytes, zeros, 16) >= 0);
}

/* A plain write to either half of an atomic is seen by the next load. */
static void writes_upper_half(void *a)
{
    struct shared *s = a;
    mri_atomic_u64 *wide = (mri_atomic_u64 *)&s->wide;
    mri_store_relaxed(wide, 1);
    ((uint32_t *)&s->wide)[1] = 7;
    model_assert(mri_load_relaxed(wide) >> 32 == 7);
}

static void mixes_sizes_above(void *a)
{
    struct shared *s = a;
    mri_store_relaxed((mri_atomic_u64 *)&s->wide, 1);
    mri_store_relaxed((mri_atomic_u32 *)&s->wide + 1, 1);
}

FINE(memory_upper_half, writes_upper_half)
BROKEN(memory_atomic_outside, "outside the model", loads_outside)
BROKEN(memory_mixed_sizes_above, "is accessed with 8 bytes and with 4",
       mixes_sizes_above)
BROKEN(race_memcmp, "data race on ", clear_all, compares_bytes)
FINE(memory_freed_after_use, give_block, use_block)
BROKEN(memory_used_after_free, "atomic read", give_block, use_block_late)
BROKEN(memory_used_after_free_in_order, "dead memory", free_and_tell,
       use_when_told)
BROKEN(memory_freed_without_order, "data race on ", give_block,
       use_block_unordered)
BROKEN(memory_freed_twice, "freed twice", free_twice)
BROKEN(memory_leaked, "leak: ", free_none)
BROKEN(memory_overrun, "dead memory", overrun)

/* A completer must not touch a waiter's frame once it has published: rayon
 * #739, stdexec#1742. The word lives in the waiter's frame. */
static void wait_in_frame(struct shared *s)
{
    mri_atomic_u32 word;
    mri_init(&word, 0);
    mri_store_release(&s->pointer, &word);
    while (!mri_load_acquire(&word))
        mri_pause();
}

static void frame_waiter(void *a)
{
    wait_in_frame(a);
    mri_store_relaxed(&((struct shared *)a)->other, 1);
}

static mri_atomic_u32 *frame_word(struct shared *s)
{
    mri_atomic_u32 *word;
    while (!(word = mri_load_acquire(&s->pointer)))
        mri_pause();
    return word;
}

static void complete_once(void *a)
{
    mri_store_release(frame_word(a), 1);
}

static void complete_and_touch(void *a)
{
    mri_atomic_u32 *word = frame_word(a);
    mri_store_release(word, 1);
    mri_load_relaxed(word);
}

static void complete_and_touch_later(void *a)
{
    struct shared *s = a;
    mri_atomic_u32 *word = frame_word(s);
    mri_store_release(word, 1);
    while (!mri_load_relaxed(&s->other))
        mri_pause();
    mri_load_relaxed(word);
}

FINE(frame_completed, frame_waiter, complete_once)
BROKEN(frame_touched_after_completion, "frame", frame_waiter,
       complete_and_touch)
/* Seen in the other order too, when the touch comes after the frame. */
BROKEN(frame_touched_when_gone, "a frame that thread 0 has left", frame_waiter,
       complete_and_touch_later)

/* ---- Models that are wrong themselves ----------------------------------- */

static int outside;

static void writes_outside(void *a)
{
    (void)a;
    outside++;
}

static void mixes_sizes(void *a)
{
    struct shared *s = a;
    mri_atomic_u64 *wide = (mri_atomic_u64 *)&s->wide;
    mri_atomic_u32 *half = (mri_atomic_u32 *)&s->wide;
    mri_store_relaxed(wide, 1);
    mri_store_relaxed(half, 1);
}

static void crashes(void *a)
{
    struct shared *s = a;
    *(volatile int *)(uintptr_t)mri_load_relaxed(&s->word) = 1;
}

static void breaks_rule(void *a)
{
    struct shared *s = a;
    mri_require(mri_load_relaxed(&s->word) == 1, "the word is one");
}

BROKEN(model_writes_outside, "memory outside the model", writes_outside)
BROKEN(model_mixes_sizes, "is accessed with 8 bytes and with 4", mixes_sizes)
BROKEN(model_crashes, "memory outside the model", crashes)
BROKEN(model_breaks_a_rule, "the word is one", breaks_rule)
