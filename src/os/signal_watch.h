/* Signals that somebody waits for: a handler for each that is watched, which
 * counts, and writes to the eventfd of each who watches it.
 *
 * Neither of the two other ways. A signalfd gets what all threads have blocked,
 * those of the program and of its other libraries too, and then one of two who
 * watch gets it; libuv's watchers leave the default behind, whatever was there
 * before them, and need the loop thread. A handler works whichever thread gets
 * the signal, and what was there before can be put back.
 *
 *   word   31   30 ........ 0
 *        | OPEN | handlers   |   of each watch; in progress, on any thread
 *
 *   open    fields, then OPEN                 under the lock
 *   close   not OPEN, then wait for the handlers to leave
 *   heard   handlers + 1; if OPEN was there: count, write; handlers - 1
 *
 * So a handler writes to no descriptor that was closed, maybe opened as another
 * since: who closes it has waited for it. One that came too late finds no OPEN,
 * and touches nothing, even if it keeps its count while the place is opened
 * again, for open sets a bit and does not store. Close may itself be
 * interrupted by the handler, which waits for nobody.
 *
 * No signal is lost: it is counted before the eventfd is written, and whoever
 * reads that looks at the counts afterwards.
 *
 * The lock is never taken in the handler. A child of fork() begins with no
 * watch and an open lock, whatever threads of its parent were about; the
 * handler stays there and does nothing until the child watches for itself.
 *
 * Must not know: who waits.
 */
#ifndef MRI_OS_SIGNAL_WATCH_H
#define MRI_OS_SIGNAL_WATCH_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Signals as a set: 1 to 64. */
MRI_INLINE uint64_t mri_signal_bit(int signo)
{
    return UINT64_C(1) << (signo - 1);
}

/* Whether it can be watched. */
MRI_CHECKED bool mri_signal_is_watchable(int signo);

/* fd: an eventfd that does not block, the caller's, to be closed after the
 * watch. Its number; MR_EMFILE: there are too many in the process; MR_EINVAL:
 * the system refuses one of them; MR_ENOMEM. */
MRI_CHECKED int mri_signal_watch_open(uint64_t set, int fd);
void mri_signal_watch_close(int watch);

/* The lowest signal that has come since it was taken before, and how often; 0:
 * none. */
MRI_CHECKED int mri_signal_watch_take(int watch, unsigned *count);

#endif
