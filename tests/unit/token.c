#include "parts/token.h"

#include "test.h"

#include <signal.h>

struct scene {
    mri_run_queue queue, other;
    mri_run_slot slot[2], other_slot[2];
    mri_token token;
};

static void open(struct scene *s)
{
    mri_run_queue_open(&s->queue, s->slot, 2);
    mri_run_queue_open(&s->other, s->other_slot, 2);
    mri_token_open(&s->token);
}

TEST(token, is_queued_once_however_often_it_is_offered)
{
    struct scene s;
    open(&s);
    EXPECT(mri_token_offer(&s.queue, &s.token));
    EXPECT(!mri_token_offer(&s.queue, &s.token));
    EXPECT(!mri_token_offer(&s.other, &s.token));
    EXPECT(mri_run_queue_pop(&s.queue) == &s.token.node);
    EXPECT(mri_run_queue_pop(&s.queue) == NULL);
    EXPECT(mri_run_queue_pop(&s.other) == NULL);
}

TEST(token, popped_is_not_offered_again_before_it_is_taken)
{
    struct scene s;
    open(&s);
    EXPECT(mri_token_offer(&s.queue, &s.token));
    EXPECT(mri_run_queue_steal(&s.queue) == &s.token.node);
    EXPECT(!mri_token_offer(&s.queue, &s.token));
    mri_token_taken(&s.token);
    EXPECT(mri_token_offer(&s.other, &s.token));
    EXPECT(mri_run_queue_pop(&s.other) == &s.token.node);
}

static void check_nonsense(void *arg)
{
    struct scene s;
    (void)arg;
    open(&s);
    mri_token_offer(&s.queue, &s.token);
    mri_token_check(&s.token);
    mri_store_relaxed(&s.token.queued, 2);
    mri_token_check(&s.token);
}

TEST(token, check_finds_a_word_that_cannot_be)
{
    EXPECT(test_dies(check_nonsense, NULL, SIGABRT, "queued or is not"));
}

#if MRI_ASSERT_LEVEL >= 1
static void take_twice(void *arg)
{
    struct scene s;
    (void)arg;
    open(&s);
    mri_token_offer(&s.queue, &s.token);
    mri_token_taken(&s.token);
    mri_token_taken(&s.token);
}

TEST(token, taken_twice_stops_the_program)
{
    EXPECT(test_dies(take_twice, NULL, SIGABRT, "taken once per pop"));
}
#endif
