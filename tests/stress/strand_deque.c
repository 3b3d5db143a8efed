/* Trees of children on strand deques: each child runs once, whatever the order
 * in which it is awaited and whoever takes it. Each thread has a deque of its
 * own and a stolen child has its children there, so owners are thieves too. */
#include "parts/strand_deque.h"

#include "stress.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>

enum { MOST = 16, SLOTS = 256, WIDEST = 8 };

/* In which order a parent awaits its children. */
enum order { YOUNGEST_FIRST, OLDEST_FIRST, ANY_ORDER };

struct scene {
    mri_barrier barrier;
    mri_deque deque[MOST];
    mri_slot *slots[MOST];
    mri_atomic_u32 stop;
    mri_atomic_u64 stolen, forced;
    unsigned threads, width;
    enum order order;
};

struct worker {
    struct scene *scene;
    unsigned index;
    uint64_t random;
};

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static bool steal_once(struct scene *s, mri_deque *own, uint64_t *random)
{
    mri_deque *victim = &s->deque[next(random) % s->threads];
    if (victim == own)
        return false;
    mri_slot *slot = mri_deque_steal(victim);
    if (!slot) {
        mri_deque_hunger(victim);
        if (next(random) % 64 == 0 && mri_deque_looks_live(victim))
            mri_add_relaxed(&s->forced, mri_deque_force(victim, &s->barrier));
        return false;
    }
    mri_add_relaxed(&s->stolen, 1);
    mri_slot_function(slot)(own, mri_load_relaxed(&own->head), slot);
    mri_store_release(&slot->done, 1);
    return true;
}

/* value[0]: the depth below; the result: how many ran, itself included. */
static MRI_SLOT_FN void tree(mri_deque *d, mri_slot *head, mri_slot *slot);

static int64_t await_child(mri_deque *d, mri_slot *slot, mri_slot *head,
                           uint64_t *random)
{
    struct scene *s = mri_load_relaxed(&d->task);
    switch (mri_deque_await(d, slot, head, tree)) {
    case MRI_MINE:
        tree(d, slot, slot);
        break;
    case MRI_RAN:
        break;
    case MRI_TAKEN:
        /* What is stolen meanwhile runs above the slots in use. */
        mri_store_relaxed(&d->head, head);
        while (!mri_load_acquire(&slot->done))
            if (!steal_once(s, d, random))
                sched_yield();
        mri_deque_settle(d, slot, head);
        break;
    }
    return slot->value[0];
}

static void tree(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct scene *s = mri_load_relaxed(&d->task);
    int64_t depth = slot->value[0], ran = 1;
    uint64_t random = (uintptr_t)slot ^ (uint64_t)depth << 32 ^ 88172645463325;
    mri_slot *child[WIDEST];
    unsigned n = depth > 0 ? s->width : 0;
    for (unsigned i = 0; i < n; i++) {
        child[i] = head + i;
        child[i]->value[0] = depth - 1;
        mri_deque_spawn(d, child[i], tree);
    }
    mri_slot *top = head + n;
    while (n > 0) {
        unsigned pick = s->order == YOUNGEST_FIRST ? n - 1
                        : s->order == OLDEST_FIRST
                            ? 0
                            : (unsigned)(next(&random) % n);
        mri_slot *awaited = child[pick];
        memmove(&child[pick], &child[pick + 1],
                (n - pick - 1) * sizeof child[0]);
        n--;
        ran += await_child(d, awaited, top, &random);
        top = mri_load_relaxed(&d->head);
    }
    slot->value[0] = ran;
}

static void *help(void *arg)
{
    struct worker *w = arg;
    struct scene *s = w->scene;
    while (!mri_load_relaxed(&s->stop))
        if (!steal_once(s, &s->deque[w->index], &w->random))
            sched_yield();
    return NULL;
}

static void open_scene(struct scene *s, unsigned threads, bool membarrier)
{
    mri_barrier_open(&s->barrier);
    s->barrier.membarrier &= membarrier;
    s->threads = threads;
    for (unsigned i = 0; i < threads; i++) {
        s->slots[i] = calloc(SLOTS, sizeof(mri_slot));
        EXPECT(s->slots[i] != NULL);
        mri_deque_map(&s->deque[i], s->slots[i], SLOTS, &s->barrier);
        mri_init(&s->deque[i].task, s);
    }
}

static int64_t nodes_of(unsigned width, int depth)
{
    int64_t nodes = 1;
    for (int i = 0; i < depth; i++)
        nodes = nodes * width + 1;
    return nodes;
}

static void grow_trees(struct scene *s, unsigned width, int depth,
                       enum order order)
{
    int64_t end = stress_end();
    int64_t nodes = nodes_of(width, depth);
    s->width = width;
    s->order = order;
    do {
        mri_slot root = {.value = {depth}};
        tree(&s->deque[0], s->slots[0], &root);
        EXPECT_EQ(root.value[0], nodes);
        EXPECT(mri_deque_is_idle(&s->deque[0]));
        mri_deque_check(&s->deque[0]);
    } while (mri_clock_now() < end);
}

static void run(unsigned threads, bool membarrier, unsigned width, int depth,
                enum order order)
{
    static struct scene s;
    pthread_t thread[MOST];
    struct worker worker[MOST];
    memset(&s, 0, sizeof s);
    open_scene(&s, threads, membarrier);
    for (unsigned i = 1; i < threads; i++) {
        worker[i] = (struct worker){&s, i, 88172645463325252u + i};
        EXPECT_EQ(pthread_create(&thread[i], NULL, help, &worker[i]), 0);
    }
    grow_trees(&s, width, depth, order);
    mri_store_relaxed(&s.stop, 1);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (unsigned i = 0; i < threads; i++) {
        EXPECT(mri_deque_is_idle(&s.deque[i]));
        mri_deque_check(&s.deque[i]);
        free(s.slots[i]);
    }
}

TEST(strand_deque, alone_every_child_runs_once)
{
    run(1, true, 2, 12, YOUNGEST_FIRST);
}

TEST(strand_deque, pairs_awaited_youngest_first)
{
    run(4, true, 2, 12, YOUNGEST_FIRST);
}

TEST(strand_deque, natural_loops)
{
    run(4, true, 5, 5, OLDEST_FIRST);
}

TEST(strand_deque, awaits_in_any_order)
{
    run(4, true, WIDEST, 4, ANY_ORDER);
}

TEST(strand_deque, four_times_more_threads_than_cores)
{
    run(8, true, 4, 6, ANY_ORDER);
}

TEST(strand_deque, without_membarrier)
{
    run(4, false, 4, 6, ANY_ORDER);
}
