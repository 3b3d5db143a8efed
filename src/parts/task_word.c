/* The blocked thread, the one kind of waiter that is resumed without the
 * scheduler; the rest of the protocol is in task_word.h.
 *
 * The sleeper lies in the blocked thread's frame, which may be left as soon as
 * `woken` is set. So setting it is the waker's last touch: the futex call that
 * follows uses the address alone, and whoever sleeps there by then takes it
 * for a spurious wake (os/futex.h). No wake-up is lost: `woken` is set before
 * the wake, and the sleeper's futex compares.
 */
#include "parts/task_word.h"

#include "os/clock.h"
#include "os/futex.h"

#include <millrace/error.h>

/* Written by the waker, read by the sleeper, whose frame it is in. */
struct sleeper {
    MRI_ALIGNED(8) mri_atomic_u32 woken; /* 0, then 1 */
};

int mri_task_word_block(mri_task_word *t, int64_t deadline)
{
    struct sleeper sleeper;
    mri_init(&sleeper.woken, 0);
    mri_waiter me = mri_waiter_of(MRI_WAITER_THREAD, (uintptr_t)&sleeper);
    if (!mri_task_word_await_begin(t, me))
        return 0;
    /* Acquire: pairs with wake_thread, which knows the result. */
    while (!mri_load_acquire(&sleeper.woken)) {
        if (mri_futex_wait(&sleeper.woken, 0, deadline) != MR_ETIMEDOUT)
            continue; /* whatever the reason: look */
        if (mri_task_word_withdraw(t, me))
            return MR_ETIMEDOUT;
        deadline = MRI_NEVER; /* the completer has the sleeper: await it */
    }
    return 0;
}

void mri_task_wake_thread(mri_waiter waiter)
{
    struct sleeper *sleeper =
        (struct sleeper *)(uintptr_t)mri_waiter_payload(waiter);
    mri_atomic_u32 *woken = &sleeper->woken;
    /* LAST TOUCH of the sleeper's frame. Release: the result, to the sleeper,
     * which does not look at the task's word again. */
    mri_store_release(woken, 1);
    mri_futex_wake(woken, 1);
}

void mri_task_word_check(mri_task_word *t)
{
    /* Relaxed: the value alone is looked at. */
    uint64_t word = mri_load_relaxed(&t->word);
    enum mri_waiter_kind kind = mri_waiter_kind(word);
    mri_require(kind <= MRI_WAITER_DONE, "a task word has a known kind");
    bool waits = kind == MRI_WAITER_STRAND || kind == MRI_WAITER_THREAD ||
                 kind == MRI_WAITER_CONTINUATION;
    mri_require(waits || mri_waiter_payload(word) == 0,
                "a task word without a waiter has no payload");
}
