/* Waits that end at a time, and alarms.
 *
 * Every worker has timers (parts/timers.h), and starts there what begins to
 * wait on it. Anybody may fire them; who does so puts what became ready into
 * its own queue, where others can take it. Who looks whether something is due:
 *   a busy worker   at its own, every MRI_INBOX_TURN-th time that it looks for
 *                   something to run
 *   an idle one     at all, whenever there is nothing else
 *   the sleepers    one of them sleeps no longer than until the earliest of
 *                   all timers (idle.c: the watch)
 *
 * No timer is forgotten by the sleepers. Let A make `at` the earliest of its
 * timers, and W be asleep for longer. A is a worker that runs. Before it runs
 * the next thing it tells: fence, and, if `at` is before the time until which
 * somebody watches, it wakes a sleeper, as if it had pushed something (with
 * the argument there); or it finds nothing to run, and goes to sleep itself,
 * for no longer than `at`, unless another watches until then. A sleeper counts
 * itself, fence, reads all `earliest`; so either it sees `at`, or A sees it
 * count and what it has written of its watch before that. Who ends its watch
 * looks, and watches again, or leaves with something to run and wakes another.
 * What remains: all run, and nobody looks for something to run; then the
 * monitor sees what is overdue, and a spare fires it (monitor.h). A spare tells
 * before it sleeps as well: it is none of the sleepers here. What it leaves in
 * its timers when it retires, others fire.
 *
 * Must not know: what is waited for, what an alarm does.
 */
#ifndef MRI_SCHED_WAIT_H
#define MRI_SCHED_WAIT_H

#include "os/clock.h"
#include "sched/worker.h"

/* On strand s, whose park began with `count`, which the caller has handed to
 * whoever may end it: wait until that happens, at the latest at `deadline`.
 * How it ended: MRI_PARK_COMPLETED, _CANCELLED or _EXPIRED. The strand may be
 * on another worker afterwards. */
enum mri_park_state mri_wait(mri_strand *s, uint64_t count, int64_t deadline);

/* Something to be called once, at a time. */
typedef struct mri_alarm mri_alarm;
struct mri_alarm {
    mri_timer timer;
    mri_timers *timers; /* where it was set */
    /* On some worker, between two things that it runs; it may push, not wait.
     * The alarm must not be gone before it has rung or was stopped. */
    void (*ring)(mri_worker *w, mri_alarm *alarm);
};

/* On strand s: `ring` is set. */
void mri_alarm_set(mri_strand *s, mri_alarm *alarm, int64_t at);

/* Whoever owns it, once. True: it will not ring. False: it has rung, or is
 * about to. */
MRI_CHECKED bool mri_alarm_stop(mri_alarm *alarm);

/* Anybody: the earliest of all timers, or MRI_NEVER. */
int64_t mri_time_earliest(mr_runtime *rt);

/* Worker. Fire what is due: its own, or all; something may be in its queue
 * then. Not always all that is due: whoever has time comes again. */
void mri_time_fire_own(mri_worker *w);
MRI_CHECKED bool mri_time_fire(mri_worker *w);

/* Worker that has started an earlier timer than were there and is about to run
 * something: somebody who sleeps hears of it. */
void mri_time_tell(mri_worker *w);

#endif
