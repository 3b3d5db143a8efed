/* A lock for slow paths, on a futex: its holder may be preempted for long, so
 * whoever waits for it sleeps.
 *
 * Must not know: what it protects.
 *
 * The word:
 *   0 FREE   1 HELD   2 CROWDED: held, and somebody may sleep
 *   acquire  FREE -> HELD by CAS; else any -> CROWDED by swap until that was
 *            FREE, asleep while it is CROWDED. Who took it so leaves CROWDED
 *            behind though he may have been the last to sleep: one wake too
 *            many, never one too few.
 *   release  any -> FREE by swap; wakes one where it was CROWDED.
 *
 * No wake-up is lost: a sleeper sleeps only while the word is CROWDED, and
 * nothing but a release ends that, which wakes. The one woken makes it CROWDED
 * again before he looks away, so that those behind him are woken in turn.
 *
 * Linearized at: acquire, the CAS or the swap that found FREE; release, its
 * swap. After that swap release uses nothing but the word's address
 * (os/futex.h): the next holder may free the lock.
 *
 * Which may run together: acquire and release, by any threads; each release
 * by the thread whose acquire came before.
 */
#ifndef MRI_PARTS_LOCK_H
#define MRI_PARTS_LOCK_H

#include "base/atomic.h"

typedef struct mri_lock {
    mri_atomic_u32 word; /* anybody, as above */
} mri_lock;

void mri_lock_init(mri_lock *lock);
void mri_lock_acquire(mri_lock *lock);
void mri_lock_release(mri_lock *lock);

#endif
