/* Sleeping on a word until its value changes, the only way a thread of the
 * library goes to sleep outside of I/O.
 *
 * Why not a condition variable: glibc before 2.41 may lose a wake-up (bug
 * 25847), and a futex word can carry the state itself.
 *
 * Contract, and what the model checker's version (tests/model) implements:
 *  - wait compares and goes to sleep in one step as seen by wake: a wake that
 *    follows a change of the word either finds the sleeper, or the sleeper
 *    finds the changed word.
 *  - It may return without a wake (a signal, or an unrelated wake on reused
 *    memory): callers look again.
 *  - It orders nothing else: no happens-before passes through a futex.
 * Private futexes: the word is not shared between processes.
 *
 * Must not know: what the word means.
 */
#ifndef MRI_OS_FUTEX_H
#define MRI_OS_FUTEX_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "os/clock.h"

/* Sleep while *word == expected, until woken or until `deadline` (absolute,
 * os/clock.h; MRI_NEVER for none; the past is allowed, and the word is
 * compared first).
 * 0: woken. MR_EAGAIN: the word differed. MR_EINTR: a signal.
 * MR_ETIMEDOUT: the deadline passed. Other codes: the kernel refused. */
MRI_CHECKED int mri_futex_wait(mri_atomic_u32 *word, uint32_t expected,
                               int64_t deadline);

/* Wake up to `count` sleepers (none for a count below 1). How many were woken,
 * or a negative code. The word may already be gone (freed, reused): the kernel
 * only hashes its address, and whoever sleeps there now takes it for a spurious
 * wake. */
int mri_futex_wake(mri_atomic_u32 *word, int count);

/* Sleep for `ns`, or less where a signal comes: for those who can only look
 * again. */
void mri_futex_nap(int64_t ns);

#endif
