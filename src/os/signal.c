/* See signal.h. */
#include "os/signal.h"

#include "base/atomic.h"
#include "os/fork.h"
#include "os/futex.h"
#include "os/sys.h"
#include "os/thread.h"

#include <limits.h>
#include <millrace/error.h>
#include <signal.h>

/* ---- Putting in front, taking back --------------------------------------- */

typedef void action(int signo, siginfo_t *info, void *context);

/* A signal that was taken. Under the lock, but that handlers read `former`: it
 * is written before they are there, and again only after they were gone. */
typedef struct taken {
    bool hands_on; /* constant: ours hands on to `former` */
    uint32_t count;
    bool ours; /* handed to us, at least by whoever is in front */
    struct sigaction former;
} taken;

/* 0, or 1 more than the generation of the process whose thread holds it: one of
 * the parent's does not come back in a child of fork(). */
static mri_atomic_u32 lock;

static void acquire(void)
{
    uint32_t me = mri_fork_generation() + 1, seen = 0;
    while (!mri_cas_acquire(&lock, &seen, me))
        if (seen == me) {
            mri_thread_yield();
            seen = 0;
        }
}

static void release(void)
{
    mri_store_release(&lock, 0);
}

static bool is_in_front(int signo, action *handler)
{
    struct sigaction now;
    return sigaction(signo, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == handler;
}

/* Whether ours is called already, at least as far as whoever is in front wants
 * it. Where that may be a circle it is not put in front of him again. */
static bool is_reached(const taken *t, int signo, action *handler)
{
    struct sigaction now;
    if (!t->ours || is_in_front(signo, handler))
        return t->ours;
    if (!t->hands_on || sigaction(signo, NULL, &now) != 0)
        return false;
    return (now.sa_flags & SA_SIGINFO) ||
           (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
}

static void take(taken *t, int signo, action *handler, int flags)
{
    struct sigaction mine = {.sa_sigaction = handler};
    t->count++;
    if (is_reached(t, signo, handler))
        return;
    if (sigaction(signo, NULL, &t->former) != 0)
        return;
    /* What is blocked while the former handler runs, and whether the same
     * signal is, is decided as this one is entered. */
    mine.sa_mask = t->former.sa_mask;
    mine.sa_flags = SA_SIGINFO | SA_ONSTACK | flags |
                    (t->former.sa_flags & (SA_NODEFER | SA_RESTART));
    t->ours = sigaction(signo, &mine, NULL) == 0;
}

static void give_back(taken *t, int signo, action *handler)
{
    if (--t->count > 0 || !t->ours || !is_in_front(signo, handler))
        return;
    t->ours = sigaction(signo, &t->former, NULL) != 0;
}

/* ---- Handing on ---------------------------------------------------------- */

/* As if nobody had ever wanted the signal. An instruction that has raised it
 * will again as soon as the handler returns; what a process has sent is sent
 * again. */
static void act_by_default(int signo, const siginfo_t *info)
{
    const struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(signo, &none, NULL);
    if (info->si_code <= 0)
        syscall(SYS_tgkill, getpid(), mri_thread_id(), signo);
}

static void hand_on(const taken *t, int signo, siginfo_t *info, void *context)
{
    const struct sigaction *to = &t->former;
    const struct sigaction none = {.sa_handler = SIG_DFL};
    bool plain = !(to->sa_flags & SA_SIGINFO);
    if (plain && to->sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    if (plain && (to->sa_handler == SIG_IGN || to->sa_handler == SIG_DFL)) {
        act_by_default(signo, info);
        return;
    }
    if (to->sa_flags & (int)SA_RESETHAND)
        sigaction(signo, &none, NULL);
    if (plain)
        to->sa_handler(signo);
    else
        to->sa_sigaction(signo, info, context);
}

/* ---- Memory that is not to be touched ------------------------------------ */

static taken segv = {.hands_on = true};
static void (*hears)(const void *address);

static void on_segv(int signo, siginfo_t *info, void *context)
{
    int error = errno;
    if (info->si_code > 0)
        hears(info->si_addr);
    errno = error;
    hand_on(&segv, signo, info, context);
}

void mri_segv_open(void (*heard)(const void *address))
{
    acquire();
    hears = heard;
    take(&segv, SIGSEGV, on_segv, 0);
    release();
}

void mri_segv_close(void)
{
    acquire();
    give_back(&segv, SIGSEGV, on_segv);
    release();
}

/* ---- Requests ------------------------------------------------------------ */

static taken request;
static int requested; /* the signal; under the lock, while count is not 0 */
static mri_atomic_u32 request_word;

#define REQUEST (UINT32_C(1) << 16)

static void on_request(int signo, siginfo_t *info, void *context)
{
    int error = errno;
    (void)signo;
    (void)info;
    (void)context;
    /* Relaxed: there is nothing but the request. */
    mri_add_relaxed(&request_word, REQUEST);
    mri_futex_wake(&request_word, INT_MAX);
    errno = error;
}

void mri_request_nudge(void)
{
    uint32_t word = mri_load_relaxed(&request_word), next;
    do
        next = (word & ~(REQUEST - 1)) | ((word + 1) & (REQUEST - 1));
    while (!mri_cas_weak_release(&request_word, &word, next));
    mri_futex_wake(&request_word, INT_MAX);
}

static bool can_be_asked_by(int signo)
{
    static const int raised[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
                                 SIGTRAP, SIGSYS, SIGKILL, SIGSTOP};
    for (size_t i = 0; i < MRI_ARRAY_LEN(raised); i++)
        if (signo == raised[i])
            return false;
    struct sigaction now;
    return sigaction(signo, NULL, &now) == 0;
}

int mri_request_open(int signo)
{
    int rc = 0;
    if (!can_be_asked_by(signo))
        return MR_EINVAL;
    acquire();
    /* Where the handler of another signal is still in somebody's way, that
     * one cannot be forgotten. */
    if ((request.count > 0 || request.ours) && requested != signo)
        rc = MR_EBUSY;
    else
        requested = signo;
    if (rc == 0)
        take(&request, signo, on_request, SA_RESTART);
    release();
    return rc;
}

void mri_request_close(void)
{
    acquire();
    give_back(&request, requested, on_request);
    release();
}

mri_atomic_u32 *mri_request_word(void)
{
    return &request_word;
}

void mri_handler_stack_open(mri_handler_stack *former, void *low, size_t size)
{
    const stack_t mine = {.ss_sp = low, .ss_size = size};
    stack_t before = {.ss_flags = SS_DISABLE};
    /* Refused where it is too small for this processor: then handlers run where
     * they would without it. */
    (void)sigaltstack(&mine, &before);
    former->low = before.ss_sp;
    former->size = before.ss_size;
    former->flags = before.ss_flags;
}

void mri_handler_stack_close(const mri_handler_stack *former)
{
    const stack_t before = {.ss_sp = former->low,
                            .ss_size = former->size,
                            .ss_flags = former->flags};
    (void)sigaltstack(&before, NULL);
}
