#include "parts/run_queue.h"

#include "test.h"

#include <signal.h>

enum { MOST = 64 };

struct item {
    mri_run_node node;
    int number;
};

struct scene {
    mri_run_queue queue;
    mri_run_slot slot[MOST];
    struct item item[MOST];
};

static void open(struct scene *s, uint32_t capacity)
{
    mri_run_queue_open(&s->queue, s->slot, capacity);
    for (int i = 0; i < MOST; i++)
        s->item[i].number = i;
}

static void push(struct scene *s, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        mri_run_queue_push(&s->queue, &s->item[i].node);
        mri_run_queue_check(&s->queue);
    }
}

/* -1: none. */
static int number_of(mri_run_node *node)
{
    return node ? mri_container_of(node, struct item, node)->number : -1;
}

static int pop(struct scene *s)
{
    int number = number_of(mri_run_queue_pop(&s->queue));
    mri_run_queue_check(&s->queue);
    return number;
}

static int steal(struct scene *s)
{
    return number_of(mri_run_queue_steal(&s->queue));
}

TEST(run_queue, is_empty_at_first)
{
    static struct scene s;
    open(&s, 4);
    EXPECT_EQ(pop(&s), -1);
    EXPECT_EQ(steal(&s), -1);
    EXPECT_EQ(mri_run_queue_size(&s.queue), 0);
}

TEST(run_queue, is_first_in_first_out_for_owner_and_thieves)
{
    static struct scene s;
    open(&s, 8);
    push(&s, 0, 8);
    for (int i = 0; i < 8; i += 2) {
        EXPECT_EQ(pop(&s), i);
        EXPECT_EQ(steal(&s), i + 1);
    }
    EXPECT_EQ(pop(&s), -1);
    EXPECT_EQ(steal(&s), -1);
}

TEST(run_queue, keeps_order_whatever_overflows)
{
    static struct scene s;
    for (uint32_t capacity = 1; capacity <= 8; capacity *= 2)
        for (int thief = 0; thief < 2; thief++) {
            open(&s, capacity);
            push(&s, 0, 40);
            EXPECT_EQ(mri_run_queue_size(&s.queue), 40);
            for (int i = 0; i < 40; i++)
                EXPECT_EQ(thief ? steal(&s) : pop(&s), i);
            EXPECT_EQ(thief ? steal(&s) : pop(&s), -1);
        }
}

TEST(run_queue, list_goes_in_as_if_one_by_one)
{
    static struct scene s;
    for (uint32_t capacity = 1; capacity <= 8; capacity *= 2)
        for (int before = 0; before < 10; before++) {
            open(&s, capacity);
            push(&s, 0, before);
            for (int i = before; i < 19; i++)
                s.item[i].node.next = &s.item[i + 1].node;
            mri_run_queue_push_list(&s.queue, &s.item[before].node,
                                    &s.item[19].node, 20 - (uint64_t)before);
            mri_run_queue_check(&s.queue);
            push(&s, 20, 2);
            for (int i = 0; i < 22; i++)
                EXPECT_EQ(pop(&s), i);
            EXPECT_EQ(pop(&s), -1);
        }
}

TEST(run_queue, what_comes_later_waits_behind_the_overflow)
{
    static struct scene s;
    open(&s, 4);
    push(&s, 0, 10);
    for (int i = 0; i < 30; i++) {
        EXPECT_EQ(i % 3 ? pop(&s) : steal(&s), i);
        push(&s, 10 + i, 1);
        EXPECT_EQ(mri_run_queue_size(&s.queue), 10);
    }
}

TEST(run_queue, uses_its_ring_again_once_the_overflow_is_gone)
{
    static struct scene s;
    open(&s, 4);
    push(&s, 0, 6);
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(pop(&s), i);
    push(&s, 6, 4);
    EXPECT_EQ(mri_load_relaxed(&s.queue.spilled), 0);
    for (int i = 6; i < 10; i++)
        EXPECT_EQ(pop(&s), i);
}

TEST(run_queue, indices_wrap)
{
    static struct scene s;
    open(&s, 4);
    mri_init(&s.queue.head, UINT64_MAX - 2);
    mri_init(&s.queue.tail, UINT64_MAX - 2);
    s.queue.head_seen = UINT64_MAX - 2;
    for (int i = 0; i < 20; i += 2) {
        push(&s, i, 2);
        EXPECT_EQ(mri_run_queue_size(&s.queue), 2);
        EXPECT_EQ(pop(&s), i);
        EXPECT_EQ(steal(&s), i + 1);
    }
    EXPECT_EQ(pop(&s), -1);
}

static void expect_half(int entries, uint32_t capacity, uint32_t mine, int rest)
{
    static struct scene s, t;
    open(&s, capacity);
    open(&t, mine);
    push(&s, 0, entries);
    EXPECT_EQ(number_of(mri_run_queue_steal_half(&s.queue, &t.queue)),
              entries ? 0 : -1);
    EXPECT_EQ(mri_run_queue_size(&t.queue), rest);
    for (int i = 1; i <= rest; i++)
        EXPECT_EQ(pop(&t), i);
    for (int i = rest + 1; i < entries; i++)
        EXPECT_EQ(pop(&s), i);
    EXPECT_EQ(pop(&s), -1);
    EXPECT_EQ(pop(&t), -1);
}

TEST(run_queue, half_is_rounded_up_and_limited_by_room)
{
    expect_half(0, 8, 8, 0);
    expect_half(1, 8, 8, 0);
    expect_half(2, 8, 8, 0);
    expect_half(3, 8, 8, 1);
    expect_half(8, 8, 8, 3);
    expect_half(8, 8, 2, 2);
    expect_half(20, 4, 8, 1); /* of the ring, while there is something in it */
}

TEST(run_queue, half_of_the_overflow_once_the_ring_is_empty)
{
    static struct scene s, t;
    open(&s, 2);
    open(&t, 8);
    push(&s, 0, 12);
    EXPECT_EQ(steal(&s), 0);
    EXPECT_EQ(steal(&s), 1);
    EXPECT_EQ(number_of(mri_run_queue_steal_half(&s.queue, &t.queue)), 2);
    EXPECT_EQ(mri_run_queue_size(&t.queue), 4);
    EXPECT_EQ(mri_run_queue_size(&s.queue), 5);
    mri_run_queue_check(&s.queue);
    mri_run_queue_check(&t.queue);
    for (int i = 3; i < 7; i++)
        EXPECT_EQ(pop(&t), i);
    for (int i = 7; i < 12; i++)
        EXPECT_EQ(pop(&s), i);
}

TEST(run_queue, half_goes_nowhere_past_a_thiefs_own_overflow)
{
    static struct scene s, t;
    open(&s, 8);
    open(&t, 2);
    push(&t, 0, 3);
    EXPECT_EQ(pop(&t), 0);
    push(&s, 10, 8);
    EXPECT_EQ(number_of(mri_run_queue_steal_half(&s.queue, &t.queue)), 10);
    EXPECT_EQ(mri_run_queue_size(&t.queue), 2);
    EXPECT_EQ(mri_run_queue_size(&s.queue), 7);
}

/* ---- What is in hand ------------------------------------------------------
 */

static void push_in_hand(struct scene *s, int first, int count)
{
    for (int i = first; i < first + count; i++)
        s->item[i].node.word = MRI_RUN_NODE_IN_HAND;
    push(s, first, count);
}

static void open_in_hand(struct scene *s, uint32_t capacity)
{
    open(s, capacity);
    for (int i = 0; i < MOST; i++)
        s->item[i].node.word = 0;
}

TEST(run_queue, one_that_nobody_has_in_hand_is_seen_wherever_it_stands)
{
    static struct scene s;
    for (int other = 0; other < 20; other++) {
        open_in_hand(&s, 4);
        EXPECT(mri_run_queue_in_hand(&s.queue));
        push_in_hand(&s, 0, other);
        EXPECT(mri_run_queue_in_hand(&s.queue));
        push(&s, other, 1);
        push_in_hand(&s, other + 1, 20);
        for (int i = 0; i <= other; i++) {
            EXPECT(!mri_run_queue_in_hand(&s.queue));
            EXPECT_EQ(i % 2 ? pop(&s) : steal(&s), i);
        }
        for (int i = other + 1; i < other + 21; i++) {
            EXPECT(mri_run_queue_in_hand(&s.queue));
            EXPECT_EQ(pop(&s), i);
        }
    }
}

TEST(run_queue, one_that_nobody_has_in_hand_is_seen_in_a_list_that_is_pushed)
{
    static struct scene s;
    for (int other = 0; other < 20; other++) {
        open_in_hand(&s, 4);
        for (int i = 0; i < 20; i++) {
            s.item[i].node.word = i == other ? 0 : MRI_RUN_NODE_IN_HAND;
            s.item[i].node.next = &s.item[i + 1].node;
        }
        mri_run_queue_push_list(&s.queue, &s.item[0].node, &s.item[19].node,
                                20);
        mri_run_queue_check(&s.queue);
        for (int i = 0; i < 20; i++) {
            EXPECT_EQ(mri_run_queue_in_hand(&s.queue), i > other);
            EXPECT_EQ(pop(&s), i);
        }
    }
}

TEST(run_queue, what_is_in_hand_stays_so_with_its_thief)
{
    static struct scene s, t;
    for (uint32_t capacity = 2; capacity <= 32; capacity *= 16) {
        open_in_hand(&s, capacity);
        open(&t, 8);
        push_in_hand(&s, 0, 3);
        push(&s, 3, 1);
        push_in_hand(&s, 4, 12);
        for (int i = 0; capacity == 2 && i < 2; i++)
            EXPECT_EQ(pop(&s), i); /* the rest is in the list */
        EXPECT_EQ(number_of(mri_run_queue_steal_half(&s.queue, &t.queue)),
                  capacity == 2 ? 2 : 0);
        EXPECT(mri_run_queue_in_hand(&s.queue));
        EXPECT(!mri_run_queue_in_hand(&t.queue));
        for (int i = capacity == 2 ? 3 : 1; i <= 3; i++)
            EXPECT_EQ(pop(&t), i);
        EXPECT(mri_run_queue_size(&t.queue) > 0);
        EXPECT(mri_run_queue_in_hand(&t.queue));
    }
}

static void open_with_3(void *arg)
{
    static mri_run_queue q;
    static mri_run_slot slot[4];
    (void)arg;
    mri_run_queue_open(&q, slot, 3);
}

static void check_with_a_hole(void *arg)
{
    static struct scene s;
    (void)arg;
    open(&s, 2);
    push(&s, 0, 5);
    s.queue.first->next = NULL;
    mri_run_queue_check(&s.queue);
}

TEST(run_queue, broken_rules_stop_the_program)
{
    EXPECT(test_dies(open_with_3, NULL, SIGABRT, "is a power of two"));
    EXPECT(test_dies(check_with_a_hole, NULL, SIGABRT,
                     "the overflow list ends after what was spilled"));
}
