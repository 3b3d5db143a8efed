/* What must hold of watched signals: each that comes to the handler while
 * somebody watches it is counted, and he is told, whoever opens, waits and
 * closes meanwhile; nobody is told by a descriptor that was closed; and when
 * nobody watches any more, what was there before is back.
 *
 * The source is part of this file, since what it keeps is the process's: here
 * it is the model's. What the kernel knows of a signal is in the order of its
 * own lock; who raises one is a thread on which the handler runs. */
#include "model.h"

#include <errno.h>

/* Each thread's, in each execution. */
static int *scene_errno(void);
#undef errno
#define errno (*scene_errno())

#include "os/fork.h"
#include "os/sys.h"
#include "parts/lock.h"
#include "parts/ready_word.h"

#include <signal.h>

static void scene_lock(void);
static void scene_unlock(void);
static void scene_yield(void);
static long scene_write(int fd, const uint64_t *from, size_t size);
static int scene_sigaction(int signo, const struct sigaction *now,
                           struct sigaction *was);

#define MRI_SIGNAL_WATCHES 2
#define MRI_SIGNALS 2
#define watches (*scene_watches)
#define table (*scene_table)
#define write(fd, from, size) scene_write(fd, from, size)
#define sigaction(signo, now, was) scene_sigaction(signo, now, was)
#define sched_yield() scene_yield()
#define pthread_mutex_lock(m) scene_lock()
#define pthread_mutex_unlock(m) scene_unlock()
#define pthread_atfork(prepare, parent, child) ((void)(child), 0)

#include "os/signal_watch.c"

enum { FILES = 2, EDGES = 4 };

typedef struct file {
    mri_atomic_u32 written;
} file;

struct state {
    watcher watch[WATCHES];
    __typeof__(*scene_table) process;
    mri_lock lock;
    mri_atomic_u32 ours[SIGNALS]; /* the kernel's: 1: our handler is there */
    int refused;                  /* a signal that may have no handler */
    int error[MODEL_MAX_THREADS + 1];
    file *file[FILES]; /* by who opens it */
    int number[FILES]; /* of the watch; by who opens it */
    /* Plain, by thread: what came to our handler; times that the handler may
     * yet come in the midst of what the thread does. */
    unsigned heard[MODEL_MAX_THREADS], interrupts[MODEL_MAX_THREADS];
    mri_ready_word word; /* of file 0 */
    unsigned taken;      /* by who waits */
};

static struct state *scene;

__attribute__((no_sanitize("thread"))) static void set_scene(struct state *s)
{
    scene = s;
    scene_watches = &s->watch;
    scene_table = &s->process;
}

__attribute__((no_sanitize("thread"))) static struct state *get_scene(void)
{
    return scene;
}

/* ---- The system --------------------------------------------------------- */

static int *scene_errno(void)
{
    return &get_scene()->error[model_thread() + 1];
}

/* A signal comes to the calling thread. */
static void raise_here(struct state *s, int signo)
{
    int before = errno;
    /* As under the kernel's lock. */
    if (!mri_or_acq_rel(&s->ours[signo - 1], 0))
        return;
    s->heard[model_thread()]++;
    heard(signo);
    model_assert(errno == before);
}

static void maybe_interrupted(void)
{
    struct state *s = get_scene();
    int me = model_thread();
    if (me < 0 || s->interrupts[me] == 0 || model_choose(2) == 0)
        return;
    s->interrupts[me]--;
    raise_here(s, 1);
}

static void scene_lock(void)
{
    mri_lock_acquire(&get_scene()->lock);
    maybe_interrupted();
}

static void scene_unlock(void)
{
    maybe_interrupted();
    mri_lock_release(&get_scene()->lock);
}

static void scene_yield(void)
{
    mri_pause();
}

static long scene_write(int fd, const uint64_t *from, size_t size)
{
    struct state *s = get_scene();
    model_assert(*from == 1 && size == 8);
    uint32_t n = mri_add_relaxed(&s->file[fd]->written, 1);
    model_assert(n < EDGES);
    model_event_post(fd * EDGES + (int)n);
    errno = EAGAIN;
    return 8;
}

static int scene_sigaction(int signo, const struct sigaction *now,
                           struct sigaction *was)
{
    struct state *s = get_scene();
    mri_atomic_u32 *ours = &s->ours[signo - 1];
    if (signo == s->refused) {
        errno = EINVAL;
        return -1;
    }
    maybe_interrupted();
    uint32_t before = now ? mri_swap_acq_rel(ours, now->sa_handler == heard)
                          : mri_or_acq_rel(ours, 0);
    maybe_interrupted();
    if (was)
        was->sa_handler = before ? heard : SIG_DFL;
    return 0;
}

int mri_fork_watch(void)
{
    return 0;
}

/* ---- Setups ------------------------------------------------------------- */

static void open_none(void *a)
{
    struct state *s = a;
    set_scene(s);
    mri_lock_init(&s->lock);
    mri_ready_init(&s->word);
    model_name(&s->watch[0].word, 4, "watch0");
    model_name(&s->watch[1].word, 4, "watch1");
    model_name(s->watch[0].count, sizeof s->watch[0].count, "counts0");
    model_name(s->watch[1].count, sizeof s->watch[1].count, "counts1");
    model_name(s->ours, sizeof s->ours, "ours");
    model_name(&s->word, 8, "ready");
}

static int open_set(struct state *s, int fd, uint64_t set)
{
    s->file[fd] = model_alloc(sizeof(file));
    s->number[fd] = mri_signal_watch_open(set, fd);
    return s->number[fd];
}

static void open_fd(struct state *s, int fd)
{
    model_assert(open_set(s, fd, mri_signal_bit(1)) >= 0);
}

/* Who closes it closes the descriptor then. */
static void close_fd(struct state *s, int fd)
{
    mri_signal_watch_close(s->number[fd]);
    model_free(s->file[fd]);
    s->file[fd] = NULL;
}

static void open_one(void *a)
{
    open_none(a);
    open_fd(a, 0);
}

static void open_none_interrupted(void *a)
{
    struct state *s = a;
    open_none(a);
    s->interrupts[0] = 1;
}

static void open_one_interrupted(void *a)
{
    struct state *s = a;
    open_one(a);
    s->interrupts[0] = 1;
}

static void open_refused(void *a)
{
    struct state *s = a;
    open_none(a);
    s->refused = 2;
}

/* ---- Threads ------------------------------------------------------------ */

static void opens(void *a)
{
    open_fd(a, 0);
}

static void opens_another(void *a)
{
    open_fd(a, 1);
}

static void closes(void *a)
{
    close_fd(a, 0);
}

static void opens_and_closes(void *a)
{
    open_fd(a, 0);
    close_fd(a, 0);
}

static void closes_and_opens(void *a)
{
    close_fd(a, 0);
    open_fd(a, 1);
}

static void is_refused(void *a)
{
    struct state *s = a;
    int rc = open_set(s, 0, mri_signal_bit(1) | mri_signal_bit(2));
    model_assert(rc == MR_EINVAL);
    model_free(s->file[0]);
    s->file[0] = NULL;
}

static void raises(void *a)
{
    raise_here(a, 1);
}

static void raises_twice(void *a)
{
    raise_here(a, 1);
    raise_here(a, 1);
}

/* As the runtime's poller, and io/signal.c. */
static void polls(void *a)
{
    struct state *s = a;
    for (uint32_t left = 3; left;) {
        left &= ~model_event_wait(left);
        (void)!mri_ready_set(&s->word, 0);
    }
}

static void waits_for_two(void *a)
{
    struct state *s = a;
    while (s->taken < 2) {
        unsigned n = 0;
        if (!mri_ready_take(&s->word)) {
            mri_pause();
            continue;
        }
        if (mri_signal_watch_take(s->number[0], &n) == 1)
            (void)!mri_ready_set(&s->word, 0);
        s->taken += n;
    }
}

/* ---- Checks ------------------------------------------------------------- */

static unsigned all_heard(struct state *s)
{
    unsigned n = 0;
    for (int i = 0; i < MODEL_MAX_THREADS; i++)
        n += s->heard[i];
    return n;
}

static unsigned counted(struct state *s, int fd)
{
    unsigned n = mri_load_relaxed(&s->watch[s->number[fd]].count[0]);
    model_assert(n == mri_load_relaxed(&s->file[fd]->written));
    return n;
}

static void nobody_is_in(struct state *s)
{
    for (int i = 0; i < WATCHES; i++)
        model_assert((mri_load_relaxed(&s->watch[i].word) & ~OPEN) == 0);
}

static void is_closed(void *a)
{
    struct state *s = a;
    nobody_is_in(s);
    model_assert(!mri_load_relaxed(&s->ours[0]));
    model_assert(!mri_load_relaxed(&s->watch[0].word));
    model_assert(!mri_load_relaxed(&s->watch[1].word));
}

/* What came is counted. */
static void all_counted(void *a)
{
    struct state *s = a;
    nobody_is_in(s);
    model_assert(counted(s, 0) == all_heard(s));
    close_fd(s, 0);
    is_closed(s);
}

/* Of what came meanwhile some; of what comes now all. */
static void the_second_watches(void *a)
{
    struct state *s = a;
    unsigned before = counted(s, 1), n = 0;
    nobody_is_in(s);
    model_assert(before <= all_heard(s));
    s->heard[0]++;
    model_assert(mri_load_relaxed(&s->ours[0]));
    heard(1);
    model_assert(counted(s, 1) == before + 1);
    model_assert(mri_signal_watch_take(s->number[1], &n) == 1);
    model_assert(n == before + 1);
    close_fd(s, 1);
    is_closed(s);
}

static void both_taken(void *a)
{
    struct state *s = a;
    model_assert(s->taken == 2 && all_heard(s) == 2);
    close_fd(s, 0);
    is_closed(s);
}

/* ---- Models ------------------------------------------------------------- */

#define SIGNAL(name_, setup_, finish_, ...)                                    \
    MODEL(signal_##name_, .state_size = sizeof(struct state), .setup = setup_, \
          .finish = finish_, .free_pauses = MODEL_NONE, __VA_ARGS__)
#define EXHAUST .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED
#define LARGE .spurious = MODEL_NONE, .bound = 1, .deep_bound = 2

SIGNAL(comes_while_it_is_opened, open_none, all_counted,
       .thread = {opens, raises}, EXHAUST)
SIGNAL(comes_twice_while_it_is_opened, open_none, all_counted,
       .thread = {opens, raises_twice}, EXHAUST)
SIGNAL(comes_to_two_threads, open_none, all_counted,
       .thread = {opens, raises, raises})
SIGNAL(comes_while_it_is_closed, open_one, is_closed,
       .thread = {closes, raises}, EXHAUST)
SIGNAL(comes_to_two_threads_while_it_is_closed, open_one, is_closed,
       .thread = {closes, raises, raises})
SIGNAL(comes_while_it_is_opened_and_closed, open_none, is_closed,
       .thread = {opens_and_closes, raises}, EXHAUST)
SIGNAL(comes_to_who_opens, open_none_interrupted, all_counted,
       .thread = {opens, raises})
SIGNAL(comes_to_who_closes, open_one_interrupted, is_closed,
       .thread = {closes, raises})
SIGNAL(comes_late_to_a_place_that_was_opened_again, open_one,
       the_second_watches, .thread = {closes_and_opens, raises}, EXHAUST)
SIGNAL(comes_to_two_threads_of_a_place_that_was_opened_again, open_one,
       the_second_watches, .thread = {closes_and_opens, raises, raises})
SIGNAL(is_watched_by_the_second_when_the_first_closes, open_one,
       the_second_watches, .thread = {closes, opens_another, raises})
SIGNAL(that_is_refused_leaves_no_watch, open_refused, is_closed,
       .thread = {is_refused, raises})
SIGNAL(is_waited_for, open_one, both_taken,
       .thread = {waits_for_two, polls, raises_twice}, LARGE)
