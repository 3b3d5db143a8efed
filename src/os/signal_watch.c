/* See signal_watch.h. Signals have one handler in the process, so this is one
 * for the process. */
#define _GNU_SOURCE
#include "os/signal_watch.h"

#include "base/atomic.h"
#include "os/fork.h"
#include "os/sys.h"
#include <millrace/error.h>

#include <signal.h>

/* Models shrink them. */
#ifndef MRI_SIGNAL_WATCHES
#define MRI_SIGNAL_WATCHES 64
#define MRI_SIGNALS 64
#endif

enum { WATCHES = MRI_SIGNAL_WATCHES, SIGNALS = MRI_SIGNALS };

#define OPEN (UINT32_C(1) << 31)

typedef struct watcher {
    mri_atomic_u32 word;
    /* Constant while OPEN. */
    int fd;
    uint64_t set;
    uint32_t born; /* fork generation */
    mri_atomic_u32 count[SIGNALS];
} watcher;

static watcher watches[WATCHES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Under it. */
static struct {
    bool forks_watched;
    unsigned watched[SIGNALS]; /* by how many */
    struct sigaction former[SIGNALS];
} table;

/* ---- The handler -------------------------------------------------------- */

static void tell(watcher *w, int signo)
{
    const uint64_t one = 1;
    if (!(w->set & mri_signal_bit(signo)) || w->born != mri_fork_generation())
        return;
    mri_add_relaxed(&w->count[signo - 1], 1);
    /* A release, for who reads it. In vain it is only where the counter is full
     * already. */
    while (write(w->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void heard(int signo)
{
    int error = errno;
    for (int i = 0; i < WATCHES; i++) {
        watcher *w = &watches[i];
        /* Relaxed: most are not open, and need no more than that. */
        if (!(mri_load_relaxed(&w->word) & OPEN))
            continue;
        /* Acquire: the fields; pairs with open. */
        if (mri_add_acquire(&w->word, 1) & OPEN)
            tell(w, signo);
        /* Release: all that was done with it, for close. */
        mri_sub_release(&w->word, 1);
    }
    errno = error;
}

/* ---- Under the lock ----------------------------------------------------- */

/* Also where it is watched already: somebody may have put his own there. */
static int put(int signo)
{
    struct sigaction was,
        mine = {.sa_handler = heard, .sa_flags = SA_RESTART | SA_ONSTACK};
    int fault = mri_fault("sigaction");
    sigfillset(&mine.sa_mask);
    if (fault)
        return -fault;
    int rc = (int)mri_sys_result(sigaction(signo, &mine, &was));
    if (rc == 0 && was.sa_handler != heard)
        table.former[signo - 1] = was;
    return rc;
}

/* Somebody else's handler stays. */
static void take_back(int signo)
{
    struct sigaction now;
    if (sigaction(signo, NULL, &now) == 0 && now.sa_handler == heard)
        sigaction(signo, &table.former[signo - 1], NULL);
}

static void unwatch(uint64_t set)
{
    for (int signo = 1; signo <= SIGNALS; signo++)
        if (set & mri_signal_bit(signo) && --table.watched[signo - 1] == 0)
            take_back(signo);
}

static void shut(watcher *w)
{
    mri_and_relaxed(&w->word, ~OPEN);
    /* Acquire: what they have done; pairs with the handler's release. They are
     * a few instructions and a write each. */
    while (mri_load_acquire(&w->word) != 0)
        sched_yield();
}

/* All of them, or none. */
static int watch_all(uint64_t set)
{
    for (int signo = 1; signo <= SIGNALS; signo++) {
        if (!(set & mri_signal_bit(signo)))
            continue;
        int rc = put(signo);
        if (rc < 0) {
            unwatch(set & (mri_signal_bit(signo) - 1));
            return rc;
        }
        table.watched[signo - 1]++;
    }
    return 0;
}

/* A handler may still be in one that is not open. */
static int free_watch(void)
{
    for (int i = 0; i < WATCHES; i++)
        if (!(mri_load_relaxed(&watches[i].word) & OPEN))
            return i;
    return MR_EMFILE;
}

static int open_watch(uint64_t set, int fd)
{
    int i = free_watch();
    if (i < 0)
        return i;
    watcher *w = &watches[i];
    w->fd = fd;
    w->set = set;
    w->born = mri_fork_generation();
    for (int k = 0; k < SIGNALS; k++)
        mri_store_relaxed(&w->count[k], 0);
    /* Release: for the handler. Before it is there, so that none is lost. */
    mri_or_release(&w->word, OPEN);
    int rc = watch_all(set);
    if (rc == 0)
        return i;
    shut(w);
    return rc;
}

/* ---- Fork --------------------------------------------------------------- */

/* The watches are the parent's, and whoever held the lock, or was in the
 * handler, is not here. The handlers stay, as all do. */
static void in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    for (int i = 0; i < SIGNALS; i++)
        table.watched[i] = 0;
    for (int i = 0; i < WATCHES; i++)
        mri_store_relaxed(&watches[i].word, 0); /* there is one thread */
}

/* Under the lock. */
static int watch_forks(void)
{
    if (table.forks_watched)
        return 0;
    int error = mri_fault("pthread_atfork");
    if (!error)
        error = pthread_atfork(NULL, NULL, in_child);
    table.forks_watched = error == 0;
    return -error;
}

/* ---- For others --------------------------------------------------------- */

bool mri_signal_is_watchable(int signo)
{
    switch (signo) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
        return false;
    default: /* those between are the C library's */
        return (signo > 0 && signo < 32) ||
               (signo >= SIGRTMIN && signo <= SIGRTMAX);
    }
}

int mri_signal_watch_open(uint64_t set, int fd)
{
    int rc = mri_fork_watch();
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&lock);
    rc = watch_forks();
    if (rc == 0)
        rc = open_watch(set, fd);
    pthread_mutex_unlock(&lock);
    return rc;
}

void mri_signal_watch_close(int watch)
{
    pthread_mutex_lock(&lock);
    unwatch(watches[watch].set);
    shut(&watches[watch]);
    pthread_mutex_unlock(&lock);
}

int mri_signal_watch_take(int watch, unsigned *count)
{
    for (int signo = 1; signo <= SIGNALS; signo++) {
        mri_atomic_u32 *c = &watches[watch].count[signo - 1];
        /* Relaxed: the eventfd orders the two. */
        if (mri_load_relaxed(c) == 0)
            continue;
        *count = mri_swap_relaxed(c, 0);
        return signo;
    }
    return 0;
}
