/* What must hold of children that their owner does not show, because nobody
 * seemed to be hungry: a sleeper finds them, though the owner, in a long leaf,
 * answers nobody. For those whom the owner saw sleep, without a watch; for the
 * others by the watch, and one that runs while others sleep is always watched.
 *
 * An owner goes on with another strand, as after a wait, spawns there, and
 * does not come back. */
#include "sched/scene.h"

/* ---- Children ----------------------------------------------------------- */

static MRI_SLOT_FN void leaf(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    struct state *s = slot->context;
    (void)d;
    (void)head;
    s->ran[slot->value[0]]++;
    scene_started(s);
}

static bool spawn_silently(struct state *s, mri_strand *on, int64_t which)
{
    mri_slot *head = mri_load_relaxed(&on->deque.head);
    head->value[0] = which;
    on->deque.context = s;
    return mri_deque_spawn_asked(&on->deque, head, leaf);
}

/* As mr_spawn does. */
static void spawn(struct state *s, mri_strand *on, int64_t which)
{
    if (spawn_silently(s, on, which))
        mri_worker_publish(&on->deque, mri_load_relaxed(&on->deque.head));
}

static void go_on_elsewhere(struct state *s, uint32_t worker, int64_t which)
{
    mri_strand *next = &s->strand[WORKERS];
    mri_strand_switch(&s->strand[worker], next, (mri_after){.what = 0});
    spawn(s, next, which);
    scene_quiet(s);
    scene_await_all(s);
}

/* ---- Setups ------------------------------------------------------------- */

static void open(struct state *s, uint32_t workers, unsigned expected,
                 bool watched)
{
    scene_open(s, workers, expected, watched);
    for (uint32_t i = 0; i <= WORKERS; i++)
        mri_init(&s->strand[i].deque.want, 0);
    s->together = true;
}

static void open_watch(void *a)
{
    open(a, 2, 1, false);
}

static void open_no_watch(void *a)
{
    open(a, 2, 1, true);
}

static void job_spawns(struct state *s, uint32_t worker)
{
    go_on_elsewhere(s, worker, 1);
}

/* Whoever wakes is an owner, and the other has seen it asleep. */
static void open_wakes(void *a)
{
    struct state *s = a;
    open(s, 2, 2, false);
    s->run[0] = job_spawns;
}

static void open_three(void *a)
{
    open(a, 3, 2, false);
}

/* ---- Threads ------------------------------------------------------------ */

static void owner(void *a)
{
    go_on_elsewhere(a, 0, 0);
}

/* Has not seen that anybody is hungry, and then has one of the sleepers woken
 * for something else. */
static void owner_who_posts(void *a)
{
    struct state *s = a;
    (void)!spawn_silently(s, &s->strand[0], 1);
    scene_quiet(s);
    scene_post(s, 0, 1);
    scene_await_all(s);
}

static void owner_who_saw(void *a)
{
    struct state *s = a;
    while (!mri_event_count_awaited(&s->rt.idle))
        mri_pause();
    go_on_elsewhere(s, 0, 0);
}

static void sleep_0(void *a)
{
    scene_sleep_once(a, 0);
}

static void sleep_1(void *a)
{
    scene_sleep_once(a, 1);
}

static void sleep_2(void *a)
{
    scene_sleep_once(a, 2);
}

static void post_1(void *a)
{
    scene_post(a, 0, 1);
}

#define HIDDEN(name_, ...)                                                     \
    MODEL(hidden_##name_, .state_size = sizeof(struct state),                  \
          .finish = scene_check, .free_pauses = MODEL_NONE, __VA_ARGS__)

HIDDEN(watch_finds_it, .setup = open_watch, .thread = {owner, sleep_1})
HIDDEN(lost_without_a_watch, .setup = open_no_watch, .thread = {owner, sleep_1},
       .fails = "spins for ever")
HIDDEN(needs_no_watch_from_who_saw_the_sleeper, .setup = open_no_watch,
       .thread = {owner_who_saw, sleep_1})
#define LONG .bound = MODEL_NO_PREEMPTION, .deep_bound = 1

HIDDEN(watch_is_handed_over, .setup = open_three, LONG,
       .thread = {owner_who_posts, sleep_1, sleep_2})
HIDDEN(who_wakes_is_watched, .setup = open_wakes, .bound = 1, .deep_bound = 1,
       .thread = {sleep_0, sleep_1, post_1})
