/* The bounds that worker.h states, pick by pick: a worker that always has
 * something to go on with, and is given more between two picks. */
#include "sched/runtime.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
    TURN = MRI_INBOX_TURN,
    MOST = 70,
    PICKS = 2 * TURN * (2 * MOST + 3),
    WOKEN = PICKS / TURN + 2 /* a turn puts one into the queue */
};

/* Not cleared for each scene: whoever puts one in fills it in. */
static mri_job flood[PICKS];

struct scene {
    mr_runtime rt;
    mri_worker worker;
    mri_job victim, before[MOST];
    mri_strand woken[WOKEN];
    int woke; /* of them */
    int picks;
    bool chain;   /* each pick makes a strand ready, as it ends */
    bool outside; /* between two picks, something comes in */
    bool yields;  /* what was before the victim comes back */
};

static struct scene *scene_new(void)
{
    struct scene *s;
    EXPECT_EQ(posix_memalign((void **)&s, MRI_CACHE_LINE, sizeof *s), 0);
    memset(s, 0, sizeof *s);
    s->rt.workers = 1;
    s->rt.worker = &s->worker;
    mri_event_count_init(&s->rt.idle);
    mri_event_count_init(&s->rt.lingering);
    mri_inbox_open(&s->rt.inbox);
    mri_worker_open(&s->rt, 0);
    for (int i = 0; i < WOKEN; i++)
        s->woken[i].node.word = MRI_NODE_STRAND;
    return s;
}

/* `last`: what was picked before. Where that went on from the chain, so does
 * it; else the chain's stands in the queue, and this is another's end. */
static void come_in(struct scene *s, const mri_run_node *last)
{
    if (s->chain && !s->worker.next) {
        mri_strand *w = &s->woken[s->woke];
        if (last != &w->node)
            w = &s->woken[++s->woke];
        s->worker.next = w;
    }
    if (s->outside)
        EXPECT_EQ(mri_runtime_submit(&s->rt, &flood[s->picks].node), 0);
}

static bool is_before(const struct scene *s, const mri_run_node *node)
{
    return node >= &s->before[0].node && node <= &s->before[MOST - 1].node;
}

/* How many others are picked before the victim, or `most` and one more. */
static int picks_before(struct scene *s, int most)
{
    mri_work work = {NULL, NULL};
    for (s->picks = 0; s->picks <= most; s->picks++) {
        come_in(s, work.node);
        EXPECT(mri_worker_look(&s->worker, &work));
        if (work.node == &s->victim.node)
            break;
        if (s->yields && is_before(s, work.node))
            mri_run_queue_push(&s->worker.queue, work.node);
    }
    return s->picks;
}

static void push_before(struct scene *s, int n)
{
    for (int i = 0; i < n; i++)
        mri_run_queue_push(&s->worker.queue, &s->before[i].node);
}

/* In the queue behind n others, at each moment of the worker's turns. */
static void expect_queued(int n, int most, const struct scene *like)
{
    for (int tick = 0; tick<2 * TURN; tick += n> 5 ? 11 : 1) {
        struct scene *s = scene_new();
        s->chain = like->chain;
        s->outside = like->outside;
        s->yields = like->yields;
        s->worker.tick = (uint32_t)tick;
        push_before(s, n);
        mri_run_queue_push(&s->worker.queue, &s->victim.node);
        int picks = picks_before(s, most);
        EXPECT_MSG(picks <= most, "%d others and more before it, behind %d",
                   picks, n);
        free(s);
    }
}

static const int lengths[] = {0, 1, 5, 60, 61, MOST};

static void expect_short(const struct scene *like)
{
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        expect_queued(lengths[i], lengths[i] + lengths[i] / TURN + 1, like);
}

static void expect_long(const struct scene *like)
{
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        expect_queued(lengths[i], 2 * TURN * (lengths[i] + 1), like);
}

TEST(fairness, queue_is_first_in_first_out)
{
    static const struct scene like = {.chain = false};
    expect_short(&like);
}

TEST(fairness, those_who_yield_let_what_came_after_them_run)
{
    static const struct scene like = {.yields = true};
    expect_short(&like);
}

TEST(fairness, what_comes_in_from_outside_does_not_hold_up_the_queue)
{
    static const struct scene like = {.outside = true, .yields = true};
    expect_short(&like);
}

TEST(fairness, a_chain_of_wake_ups_does_not_starve_the_queue)
{
    static const struct scene like = {.chain = true, .yields = true};
    expect_long(&like);
}

TEST(fairness, a_chain_fed_from_outside_does_not_starve_the_queue)
{
    static const struct scene like = {.chain = true, .outside = true};
    expect_long(&like);
}

/* ---- The inbox ---------------------------------------------------------- */

/* From outside behind m others; n in the queue, which come back. */
static void expect_posted(int m, int n, bool chain)
{
    for (int tick = 0; tick < 2 * TURN; tick += 11) {
        struct scene *s = scene_new();
        int most = 2 * TURN + (chain ? 2 * TURN * (n + m + 1)
                                     : n + m + (n + m) / TURN + 1);
        s->chain = chain;
        s->yields = true;
        s->worker.tick = (uint32_t)tick;
        push_before(s, n);
        for (int i = 0; i < m; i++)
            EXPECT_EQ(mri_runtime_submit(&s->rt, &flood[PICKS - 1 - i].node),
                      0);
        EXPECT_EQ(mri_runtime_submit(&s->rt, &s->victim.node), 0);
        int picks = picks_before(s, most);
        EXPECT_MSG(picks <= most, "%d others and more before it", picks);
        free(s);
    }
}

TEST(fairness, a_queue_that_never_empties_does_not_starve_the_inbox)
{
    for (int m = 0; m < MOST; m += 23)
        for (int n = 1; n < MOST; n += 23)
            expect_posted(m, n, false);
}

TEST(fairness, a_chain_of_wake_ups_does_not_starve_the_inbox)
{
    for (int m = 0; m < MOST; m += 23)
        for (int n = 0; n < MOST; n += 23)
            expect_posted(m, n, true);
}
