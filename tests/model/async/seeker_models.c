/* What must hold of seekers: what is given is had by one who seeks or stays, a
 * wait ends once, nobody waits where there is something, and nobody touches a
 * seeker or a bid after its wait. */
#include "async/scene.h"
#include "os/clock.h"

enum { QUEUES = 2 };

struct state {
    struct scene scene;
    mri_lock lock[QUEUES];
    mri_bids bids[QUEUES];
    int there[QUEUES]; /* plain: under the lock */
    int given;         /* plain: what a giver says before it gives */
    int got[STRANDS], gave_up[STRANDS];
};

struct place {
    mri_bid bid;
    int item; /* plain: the giver's, then who waits reads it */
};

static void open_with(struct state *s, unsigned foreign)
{
    scene_open(&s->scene, foreign);
    for (int q = 0; q < QUEUES; q++) {
        mri_lock_init(&s->lock[q]);
        model_name(&s->lock[q], 4, "lock");
    }
}

static void open_tasks(void *a)
{
    open_with(a, 0);
}

static void open_threads(void *a)
{
    open_with(a, ~0U);
}

/* Thread 0 is one, the others are tasks. */
static void open_mixed(void *a)
{
    open_with(a, 1);
}

/* ---- One queue ---------------------------------------------------------- */

static bool take_there(struct state *s, int q)
{
    if (s->there[q] == 0)
        return false;
    s->there[q]--;
    return true;
}

/* Until `deadline`; or it is never given up. */
static void seek(struct state *s, int64_t deadline, bool always)
{
    mri_strand *self;
    mri_seeker seeker;
    struct place place = {.item = 0};
    int i = model_thread(), rc = 0;
    model_assert(mri_seeker_caller(&self) == 0 && self == scene_self());
    mri_lock_acquire(&s->lock[0]);
    if (take_there(s, 0)) {
        s->got[i]++;
        mri_lock_release(&s->lock[0]);
        return;
    }
    mri_seeker_begin(&seeker, self);
    mri_bids_add(&s->bids[0], &place.bid, &seeker);
    mri_bids_check(&s->bids[0]);
    mri_lock_release(&s->lock[0]);
    if (always)
        mri_seeker_await(&seeker, "something");
    else
        rc = mri_seeker_wait(&seeker, deadline, "something");
    if (rc == 0) {
        model_assert(place.item == 7);
        s->got[i]++;
        return;
    }
    mri_lock_acquire(&s->lock[0]);
    (void)mri_bids_withdraw(&s->bids[0], &place.bid);
    mri_bids_check(&s->bids[0]);
    mri_lock_release(&s->lock[0]);
    s->gave_up[i]++;
}

static void seeks(void *a)
{
    struct state *s = a;
    seek(s, MRI_NEVER, false);
    scene_done(&s->scene);
}

static void seeks_always(void *a)
{
    seek(a, MRI_NEVER, true);
}

static void seeks_in_time(void *a)
{
    seek(a, 1, false);
}

static void seeks_twice(void *a)
{
    seeks(a);
    seeks(a);
}

static void give_to(struct state *s, int q, int n)
{
    mri_given given = MRI_GIVEN_NONE;
    mri_lock_acquire(&s->lock[q]);
    for (bool done; n > 0; n--) {
        mri_bid *bid;
        done = false;
        while (!done && (bid = mri_bids_take(&s->bids[q]))) {
            mri_container_of(bid, struct place, bid)->item = 7;
            done = mri_seeker_give(bid->seeker, &given);
        }
        s->there[q] += !done;
    }
    mri_bids_check(&s->bids[q]);
    mri_lock_release(&s->lock[q]);
    mri_given_tell(&given);
}

static void gives(void *a)
{
    give_to(a, 0, 1);
}

static void gives_two(void *a)
{
    give_to(a, 0, 2);
}

static void gives_twice(void *a)
{
    gives(a);
    gives(a);
}

static void cancels(void *a)
{
    scene_cancel(a, 0);
}

static int sum(const int n[STRANDS])
{
    int all = 0;
    for (int i = 0; i < STRANDS; i++)
        all += n[i];
    return all;
}

static void check(struct state *s, int given, int seeking)
{
    scene_check(&s->scene);
    model_assert(!s->bids[0].first && !s->bids[0].last);
    model_assert(sum(s->got) + s->there[0] == given);
    model_assert(sum(s->got) + sum(s->gave_up) == seeking);
}

static void one_for_one(void *a)
{
    check(a, 1, 1);
}

static void all_got(void *a)
{
    struct state *s = a;
    check(a, 2, 2);
    model_assert(sum(s->gave_up) == 0);
}

#define SEEKER(name_, ...)                                                     \
    MODEL(seeker_##name_, .state_size = sizeof(struct state), __VA_ARGS__)
#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED

SEEKER(task_is_given, .setup = open_tasks, .thread = {seeks, gives},
       .finish = one_for_one, EXHAUST)
SEEKER(thread_is_given, .setup = open_threads, .thread = {seeks, gives},
       .finish = one_for_one, .spurious = 1, EXHAUST)
SEEKER(task_awaits, .setup = open_tasks, .thread = {seeks_always, gives},
       .finish = one_for_one, EXHAUST)
SEEKER(thread_awaits, .setup = open_threads, .thread = {seeks_always, gives},
       .finish = one_for_one, EXHAUST)
SEEKER(task_is_cancelled, .setup = open_tasks,
       .thread = {seeks, gives, cancels}, .finish = one_for_one, .bound = 1,
       .deep_bound = 2)
SEEKER(thread_is_late, .setup = open_threads, .thread = {seeks_in_time, gives},
       .finish = one_for_one, .spurious = 1, EXHAUST)
SEEKER(two_are_given, .setup = open_mixed, .thread = {seeks, seeks, gives_two},
       .finish = all_got)
SEEKER(two_tasks_are_given_at_once, .setup = open_tasks,
       .thread = {seeks, seeks, gives_two}, .finish = all_got, .bound = 1,
       .deep_bound = 2)
SEEKER(again_in_a_task, .setup = open_tasks,
       .thread = {seeks_twice, gives_twice}, .finish = all_got)

/* ---- Who gives up passes it on ------------------------------------------ */

static void second_has_it(void *a)
{
    struct state *s = a;
    scene_check(&s->scene);
    model_assert(s->got[0] + s->got[1] + s->there[0] == 2);
    model_assert(s->got[1] == 1);
}

/* The first of two may be cancelled or late; the second has one of the two. */
SEEKER(cancelled_in_front, .setup = open_tasks,
       .thread = {seeks, seeks, gives_twice, cancels}, .finish = second_has_it,
       .deep_only = true, .deep_bound = MODEL_NO_PREEMPTION)
SEEKER(late_in_front, .setup = open_mixed,
       .thread = {seeks_in_time, seeks, gives_twice}, .finish = second_has_it)

/* ---- Bids in two queues ------------------------------------------------- */

/* What it is given by is told by the bid that is not in its queue any more: of
 * two, the giver that came too late has taken it out, too, and kept what it
 * had. */
static void seek_both(struct state *s, bool stays)
{
    mri_seeker seeker;
    struct place place[QUEUES] = {{.item = 0}, {.item = 0}};
    enum { NOTHING, TOOK, GIVEN, STAYS } rc = NOTHING;
    int i = model_thread(), q = 0, n = 0;
    mri_seeker_begin(&seeker, scene_self());
    for (; q < QUEUES && rc == NOTHING; q++) {
        mri_lock_acquire(&s->lock[q]);
        if (s->there[q] > 0 && mri_seeker_stay(&seeker)) {
            s->there[q]--;
            rc = TOOK;
        } else if (s->there[q] > 0) {
            rc = GIVEN; /* by the other queue, meanwhile */
        } else {
            mri_bids_add(&s->bids[q], &place[q].bid, &seeker);
        }
        mri_lock_release(&s->lock[q]);
    }
    if (rc == NOTHING && stays)
        rc = mri_seeker_stay(&seeker) ? STAYS : GIVEN;
    if (rc == NOTHING)
        model_assert(mri_seeker_wait(&seeker, MRI_NEVER, "either") == 0);
    for (n = 0; n < QUEUES; n++) {
        mri_lock_acquire(&s->lock[n]);
        (void)mri_bids_withdraw(&s->bids[n], &place[n].bid);
        mri_lock_release(&s->lock[n]);
    }
    if (rc == NOTHING || rc == GIVEN)
        model_assert(place[0].item == 7 || place[1].item == 7);
    s->got[i] += rc != STAYS;
    s->gave_up[i] += rc == STAYS;
}

static void seeks_both(void *a)
{
    seek_both(a, false);
}

static void seeks_both_or_stays(void *a)
{
    seek_both(a, true);
}

static void gives_first(void *a)
{
    give_to(a, 0, 1);
}

static void gives_second(void *a)
{
    give_to(a, 1, 1);
}

static void one_of_two(void *a)
{
    struct state *s = a;
    scene_check(&s->scene);
    model_assert(!s->bids[0].first && !s->bids[1].first);
    model_assert(s->got[0] == 1 && s->there[0] + s->there[1] == 1);
}

static void at_most_one_of_two(void *a)
{
    struct state *s = a;
    scene_check(&s->scene);
    model_assert(!s->bids[0].first && !s->bids[1].first);
    model_assert(s->got[0] + s->gave_up[0] == 1);
    model_assert(s->got[0] + s->there[0] + s->there[1] == 2);
}

#define BOTH(name_, how, seeks_, finish_)                                      \
    SEEKER(name_, .setup = open_##how,                                         \
           .thread = {seeks_, gives_first, gives_second}, .finish = finish_)

BOTH(task_of_two, tasks, seeks_both, one_of_two)
BOTH(thread_of_two, threads, seeks_both, one_of_two)
BOTH(task_stays, tasks, seeks_both_or_stays, at_most_one_of_two)
BOTH(thread_stays, threads, seeks_both_or_stays, at_most_one_of_two)
