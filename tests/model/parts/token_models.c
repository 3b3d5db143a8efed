/* What must hold of tokens: no child stays unseen, that is, whoever is left
 * with nothing to do leaves no child behind unless the token stands in a run
 * queue; and it stands in one at most. The children are two counts, whose
 * orders give nothing: it is the token's to order them. */
#include "parts/token.h"

#include "model.h"

enum { QUEUES = 3 };

struct state {
    mri_run_queue queue[QUEUES]; /* by thread: each is its owner */
    mri_run_slot slot[QUEUES][2];
    mri_run_node filler[QUEUES][2]; /* to make a queue overflow */
    mri_token token;
    mri_atomic_u32 published; /* children in all; the strand stores it */
    mri_atomic_u32 started;   /* of them */
    uint32_t parked;          /* the strand's own count of them */
    uint32_t ran[QUEUES];     /* by thread: plain, each its own */
};

static void open_n(struct state *s, uint32_t capacity)
{
    for (int i = 0; i < QUEUES; i++)
        mri_run_queue_open(&s->queue[i], s->slot[i], capacity);
    mri_token_open(&s->token);
    mri_init(&s->published, 0);
    mri_init(&s->started, 0);
    model_name(&s->token, sizeof s->token, "token");
    model_name(&s->published, 4, "published");
    model_name(&s->started, 4, "started");
}

static void open(void *a)
{
    open_n(a, 2);
}

/* The rings are full, so that tokens go through the lists and their links. */
static void open_full(void *a)
{
    struct state *s = a;
    open_n(s, 1);
    for (int i = 0; i < QUEUES; i++)
        mri_run_queue_push(&s->queue[i], &s->filler[i][0]);
}

static void park_into(struct state *s, uint32_t n, mri_run_queue *q);

/* Parked before, on a thread that does nothing now. */
static void open_parked_elsewhere(void *a)
{
    struct state *s = a;
    open_full(a);
    park_into(s, 1, &s->queue[2]);
}

static mri_run_queue *mine(struct state *s)
{
    return &s->queue[model_thread()];
}

/* The strand parks on this thread with `n` children more. */
static void park_into(struct state *s, uint32_t n, mri_run_queue *q)
{
    s->parked += n;
    mri_store_relaxed(&s->published, s->parked);
    mri_token_offer(q, &s->token);
}

static void park(struct state *s, uint32_t n)
{
    park_into(s, n, mine(s));
}

/* Whether there was one, and whether there are more. */
static bool start_child(struct state *s, bool *more)
{
    uint32_t published = mri_load_relaxed(&s->published);
    uint32_t n = mri_load_relaxed(&s->started);
    while (n < published)
        if (mri_cas_relaxed(&s->started, &n, n + 1)) {
            *more = n + 1 < published;
            return true;
        }
    return false;
}

/* What a popper does with a token in its hand. */
static void run_child(struct state *s)
{
    bool more;
    mri_token_taken(&s->token);
    if (!start_child(s, &more))
        return;
    s->ran[model_thread()]++;
    if (more)
        mri_token_offer(mine(s), &s->token);
}

static bool is_token(struct state *s, mri_run_node *node)
{
    return node == &s->token.node;
}

static void pop(struct state *s)
{
    if (is_token(s, mri_run_queue_pop(mine(s))))
        run_child(s);
}

static void steal(struct state *s, int from)
{
    if (is_token(s, mri_run_queue_steal(&s->queue[from])))
        run_child(s);
}

static void parker(void *a)
{
    park(a, 1);
}

static void parker_of_2(void *a)
{
    park(a, 2);
}

/* The strand is resumed in between, on the same worker. */
static void parker_again(void *a)
{
    park(a, 1);
    park(a, 1);
}

/* It takes its child itself, and parks again: the token stands there for
 * nobody in between. */
static void parker_takes_it_back(void *a)
{
    struct state *s = a;
    bool more;
    park(a, 1);
    s->ran[0] += start_child(s, &more);
    park(a, 1);
}

static void parker_pops(void *a)
{
    park(a, 2);
    pop(a);
}

static void thief(void *a)
{
    steal(a, 0);
}

static void thief_elsewhere(void *a)
{
    steal(a, 2);
    steal(a, 2);
}

static void thief_twice(void *a)
{
    steal(a, 0);
    steal(a, 0);
}

/* Past the filler, from list to list, and past the filler again. */
static void thief_through_lists(void *a)
{
    struct state *s = a;
    steal(s, 0);
    steal(s, 0);
    pop(s);
    pop(s);
}

/* Puts it back into its own queue if there are more, and takes it from there.
 */
static void thief_goes_on(void *a)
{
    steal(a, 0);
    pop(a);
}

static void thief_of_thief(void *a)
{
    steal(a, 0);
    steal(a, 1);
}

/* In which queues the token is, and how often. */
static uint32_t tokens_left(struct state *s)
{
    uint32_t count = 0;
    for (int i = 0; i < QUEUES; i++) {
        mri_run_queue_check(&s->queue[i]);
        for (mri_run_node *n; (n = mri_run_queue_pop(&s->queue[i])) != NULL;)
            count += is_token(s, n);
    }
    return count;
}

static void none_unseen(void *a)
{
    struct state *s = a;
    uint32_t children =
        mri_load_relaxed(&s->published) - mri_load_relaxed(&s->started);
    uint32_t tokens = tokens_left(s);
    mri_token_check(&s->token);
    model_assert(tokens <= 1);
    model_assert(tokens == 1 || children == 0);
    model_assert(mri_load_relaxed(&s->token.queued) == tokens);
    model_assert(s->ran[0] + s->ran[1] + s->ran[2] + children == s->parked);
}

#define TOKEN(name_, setup_, ...)                                              \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = none_unseen, .bound = MODEL_UNBOUNDED,                     \
          .deep_bound = MODEL_UNBOUNDED, .thread = {__VA_ARGS__})

TOKEN(token_parks_once, open, parker, thief, thief)
TOKEN(token_parks_again, open, parker_again, thief_twice)
TOKEN(token_parks_in_vain, open, parker_takes_it_back, thief)
TOKEN(token_parks_on_another_thread, open_parked_elsewhere, parker,
      thief_elsewhere)
TOKEN(token_is_put_back, open, parker_of_2, thief_goes_on)
TOKEN(token_is_put_back_and_offered, open, parker_again, thief_goes_on)
TOKEN(token_parker_pops, open, parker_pops, thief_twice)
TOKEN(token_through_the_lists, open_full, parker_again, thief_twice)
TOKEN(token_from_list_to_list, open_full, parker_again, thief_through_lists)
MODEL(token_goes_round, .state_size = sizeof(struct state), .setup = open,
      .finish = none_unseen, .bound = 2, .deep_bound = MODEL_UNBOUNDED,
      .thread = {parker_again, thief_goes_on, thief_of_thief})
