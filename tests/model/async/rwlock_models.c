/* What must hold of the lock of many readers or one writer: who writes is
 * alone; and however many give up at once, in the end nobody has it. */
#include "async/owner.h"
#include "async/scene.h"
#include "os/clock.h"
#include <millrace/sync.h>

struct state {
    struct scene scene;
    mr_rwlock lock;
    int data; /* plain: handed on by the lock */
};

/* ---- Who calls ---------------------------------------------------------- */

_Thread_local mri_strand *mri_self_of_thread
    __attribute__((tls_model("initial-exec")));
_Thread_local uint64_t mri_owner_of_thread
    __attribute__((tls_model("initial-exec")));

mri_owner_registry *mri_owner_registry_here(void)
{
    static mri_owner_registry registry;
    return &registry;
}

/* A model's threads are one of the system's: in front of each call, which looks
 * before all else. */
__attribute__((no_sanitize("thread"))) static mr_rwlock *mine(struct state *s)
{
    mri_self_of_thread = scene_self();
    return &s->lock;
}

static void open(void *a)
{
    scene_open(a, 0);
}

/* Somebody reads already. */
static void open_read(void *a)
{
    struct state *s = a;
    scene_open(a, 0);
    model_assert(mr_rwlock_tryread(&s->lock) == 0);
}

/* ---- Writing ------------------------------------------------------------ */

static void unlock(struct state *s)
{
    model_assert(mr_rwlock_unlock(mine(s)) == 0);
}

static void writes(void *a)
{
    struct state *s = a;
    model_assert(mr_rwlock_write(mine(s)) == 0);
    s->data++;
    unlock(s);
}

static void at_rest(void *a)
{
    struct state *s = a;
    scene_check(&s->scene);
    model_assert(mr_rwlock_close(&s->lock) == 0);
}

static void two_wrote(void *a)
{
    struct state *s = a;
    at_rest(s);
    model_assert(s->data == 2);
}

#define RWLOCK(name_, ...)                                                     \
    MODEL(rwlock_##name_, .state_size = sizeof(struct state), __VA_ARGS__)

RWLOCK(of_2, .setup = open, .thread = {writes, writes}, .finish = two_wrote)

/* ---- Giving up ---------------------------------------------------------- */

static void may_have(struct state *s, int rc)
{
    model_assert(rc == 0 || rc == MR_ECANCELED);
    if (rc == 0)
        unlock(s);
    scene_done(&s->scene);
}

static void may_read(void *a)
{
    may_have(a, mr_rwlock_read_until(mine(a), 1));
}

static void may_write(void *a)
{
    may_have(a, mr_rwlock_write_until(mine(a), 1));
}

static void cancels_and_leaves(void *a)
{
    struct state *s = a;
    scene_cancel(&s->scene, 1);
    scene_cancel(&s->scene, 0);
    unlock(s);
}

/* A writer and a reader come and are cancelled, while another reads and leaves.
 * Daily it is sampled: see CMakeLists.txt. */
RWLOCK(both_give_up, .setup = open_read,
       .thread = {may_write, may_read, cancels_and_leaves}, .finish = at_rest,
       .deep_only = true, .deep_bound = 1)
