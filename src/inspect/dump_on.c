/* mr_dump_on: a thread that sleeps until a signal asks for a dump.
 *
 *     word `dumper` of the runtime
 *     NULL --mr_dump_on--> the dumper --mr_stop, when all has drained--> NULL
 *
 * All dumpers of the process sleep on the word that the handler counts in, each
 * while it is what it has seen. So a request that comes before the thread
 * sleeps is not lost, and several that come during one dump are one. The end is
 * a nudge: `ending` is set before (release), and seen by who sees the nudge
 * (acquire); a dumper that slept, or was about to, finds another word. 2^16
 * nudges between its look and its sleep would be as many stops.
 */
#include "inspect/dump.h"

#include "os/futex.h"
#include "os/signal.h"
#include <millrace/error.h>
#include <millrace/inspect.h>

typedef struct dumper {
    mri_thread thread;
    uint32_t seen; /* requests; the thread's, once it runs */
    mri_atomic_u32 ending;
} dumper;

static void watch(void *arg)
{
    mr_runtime *rt = arg;
    dumper *d = mri_load_acquire(&rt->dumper);
    mri_atomic_u32 *word = mri_request_word();
    for (;;) {
        /* Acquire: with the release in nudge. */
        uint32_t now = mri_load_acquire(word);
        if (mri_load_relaxed(&d->ending))
            return;
        if (mri_requests(now) == d->seen) {
            (void)!mri_futex_wait(word, now, MRI_NEVER);
            continue;
        }
        d->seen = mri_requests(now);
        /* Nobody is left to tell that stderr fails, or memory. */
        (void)!mri_dump_all(rt, stderr);
    }
}

static void give_up(mr_runtime *rt, dumper *d)
{
    mri_request_close();
    mri_store_relaxed(&rt->dumper, NULL);
    mri_runtime_release(rt, d, sizeof *d);
}

/* mr_stop. */
static void end(mr_runtime *rt)
{
    dumper *d = mri_load_acquire(&rt->dumper);
    mri_store_relaxed(&d->ending, 1);
    mri_request_nudge();
    mri_thread_join(&d->thread);
    give_up(rt, d);
}

static int begin(mr_runtime *rt, dumper *d, int signo)
{
    void *none = NULL;
    mri_init(&d->ending, 0);
    int rc = mri_request_open(signo);
    if (rc < 0)
        return rc;
    d->seen = mri_requests(mri_load_relaxed(mri_request_word()));
    /* Release: for the thread, and for who stops. */
    if (mri_cas_release(&rt->dumper, &none, d))
        return 0;
    mri_request_close();
    return MR_EALREADY;
}

int mr_dump_on(mr_runtime *rt, int signo)
{
    if (!mri_runtime_is_here(rt))
        return MR_EPERM;
    dumper *d = mri_runtime_allocate(rt, sizeof *d, _Alignof(dumper));
    if (!d)
        return MR_ENOMEM;
    int rc = begin(rt, d, signo);
    if (rc < 0) {
        mri_runtime_release(rt, d, sizeof *d);
        return rc;
    }
    rt->end_dumper = end;
    rc = mri_thread_start(&d->thread, "mr-dump", watch, rt, 0);
    if (rc < 0)
        give_up(rt, d);
    return rc;
}
