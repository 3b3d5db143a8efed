#include "parts/task_word.h"

#include "stress.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <sched.h>

/* Tasks come through a box from the thread that waits, whose frame they lie
 * in, to the one that completes them. */
struct task {
    mri_task_word word;
    uint64_t question, answer;
};

struct pair {
    mri_atomic_ptr box;
    mri_atomic_u32 stop;
    int64_t end;
    uint64_t rounds, timeouts;
    pthread_t asker, answerer;
};

static void *answer(void *arg)
{
    struct pair *p = arg;
    while (!mri_load_acquire(&p->stop)) {
        struct task *t = mri_swap_acquire(&p->box, NULL);
        if (!t) {
            sched_yield();
            continue;
        }
        t->answer = t->question * 3 + 1;
        mri_waiter w = mri_task_word_complete(&t->word);
        if (mri_waiter_kind(w) == MRI_WAITER_THREAD)
            mri_task_wake_thread(w);
        else if (mri_waiter_kind(w) == MRI_WAITER_DROPPED)
            free(t);
    }
    return NULL;
}

/* A frame that is left, and soon overwritten by the next, as soon as the
 * await returns. Every other wait has a deadline that may well pass. */
static MRI_NOINLINE void ask(struct pair *p, uint64_t round)
{
    struct task t = {.question = round};
    mri_task_word_init(&t.word);
    mri_store_release(&p->box, &t);
    if (round % 2 == 0) {
        int64_t deadline = mri_clock_now() + (int64_t)(round % 64) * 100;
        int rc = mri_task_word_block(&t.word, deadline);
        EXPECT(rc == 0 || rc == MR_ETIMEDOUT);
        p->timeouts += rc != 0;
        if (rc == 0)
            EXPECT(t.answer == round * 3 + 1);
    }
    EXPECT_EQ(mri_task_word_block(&t.word, MRI_NEVER), 0);
    EXPECT(t.answer == round * 3 + 1);
    t.answer = 0;
}

/* Nobody waits: whoever is second frees. */
static void ask_and_drop(struct pair *p, uint64_t round)
{
    struct task *t = calloc(1, sizeof *t);
    EXPECT(t);
    t->question = round;
    mri_task_word_init(&t->word);
    mri_store_release(&p->box, t);
    while (round % 3 == 0 && !mri_task_word_is_done(&t->word))
        sched_yield();
    if (mri_task_word_drop(&t->word)) {
        EXPECT(t->answer == round * 3 + 1);
        free(t);
    }
    while (mri_load_relaxed(&p->box))
        sched_yield();
}

static void *ask_all(void *arg)
{
    struct pair *p = arg;
    do {
        ask(p, ++p->rounds);
        ask_and_drop(p, ++p->rounds);
    } while (mri_clock_now() < p->end);
    mri_store_release(&p->stop, 1);
    return NULL;
}

static void run_pairs(int n)
{
    enum { MOST = 64 };
    static struct pair pairs[MOST];
    int64_t end = stress_end();
    for (int i = 0; i < n; i++) {
        struct pair *p = &pairs[i];
        *p = (struct pair){.end = end};
        EXPECT_EQ(pthread_create(&p->answerer, NULL, answer, p), 0);
        EXPECT_EQ(pthread_create(&p->asker, NULL, ask_all, p), 0);
    }
    for (int i = 0; i < n; i++) {
        EXPECT_EQ(pthread_join(pairs[i].asker, NULL), 0);
        EXPECT_EQ(pthread_join(pairs[i].answerer, NULL), 0);
        EXPECT(pairs[i].rounds > 0);
    }
}

TEST(stress_task_word, one_pair)
{
    run_pairs(1);
}

TEST(stress_task_word, four_times_more_threads_than_cpus)
{
    run_pairs(stress_crowd(64) / 2);
}
