/* millrace/sync.h: the mutex. What is common is done here, and at once. */
#include <millrace/sync.h>

#include "async/mutex.h"
#include <millrace/error.h>
#include <millrace/time.h>

MRI_STATIC_ASSERT(sizeof(mri_mutex) == sizeof(mr_mutex), "mr_mutex has room");

MRI_ENTRY int mr_mutex_lock(mr_mutex *mutex)
{
    mri_mutex *m = (mri_mutex *)mutex;
    mri_owner me = mri_owner_at_entry();
    if (mri_likely(mri_mutex_try(m, me)))
        return 0;
    return mri_mutex_lock_slow(m, me, MR_NEVER);
}

MRI_ENTRY int mr_mutex_lock_until(mr_mutex *mutex, int64_t deadline)
{
    mri_mutex *m = (mri_mutex *)mutex;
    mri_owner me = mri_owner_at_entry();
    if (mri_likely(mri_mutex_try(m, me)))
        return 0;
    return mri_mutex_lock_slow(m, me, deadline);
}

MRI_ENTRY int mr_mutex_trylock(mr_mutex *mutex)
{
    mri_mutex *m = (mri_mutex *)mutex;
    mri_owner me = mri_owner_at_entry();
    if (mri_likely(mri_mutex_try(m, me)))
        return 0;
    return mri_mutex_try_slow(m, me) ? 0 : MR_EBUSY;
}

MRI_ENTRY int mr_mutex_unlock(mr_mutex *mutex)
{
    mri_mutex *m = (mri_mutex *)mutex;
    mri_owner me = mri_owner_at_entry();
    if (mri_likely(mri_mutex_release(m, me)))
        return 0;
    return mri_mutex_unlock_slow(m, me);
}

int mr_mutex_close(mr_mutex *mutex)
{
    /* Relaxed: who may close it has seen what others did by other ways. */
    uintptr_t word = mri_load_relaxed(&((mri_mutex *)mutex)->word);
    return word ? MR_EBUSY : 0;
}
