/* See owner.h. */
#include "async/owner.h"

MRI_STATIC_ASSERT(_Alignof(mri_strand) > MRI_OWNER_FLAGS,
                  "a strand's address leaves the flags free");
MRI_STATIC_ASSERT(_Alignof(uint64_t) > MRI_OWNER_FLAGS, "and a thread's does");

/* Strands lie 64 bytes apart, and more. */
static mri_owner_wait **bucket_of(mri_owner_registry *r, uintptr_t id)
{
    return &r->bucket[(id >> 6 ^ id >> 12) % MRI_OWNER_BUCKETS];
}

/* What that owner waits for, or NULL. */
static mri_owner_wait *find(mri_owner_registry *r, uintptr_t id)
{
    mri_owner_wait *w = *bucket_of(r, id);
    while (w && w->id != id)
        w = w->next;
    return w;
}

/* Whether the way from the lock comes to `id`. */
static bool leads_to(mri_owner_registry *r, mri_owner_word *word, uintptr_t id)
{
    uintptr_t from = 0;
    for (;;) {
        /* Relaxed: that a lock is held by who waits for another was written
         * before its record, under our lock; and by us if it is ours. */
        uintptr_t owner = mri_owner_in(mri_load_relaxed(word));
        if (owner == id)
            return true;
        mri_owner_wait *next = owner && owner != from ? find(r, owner) : NULL;
        if (!next)
            return false;
        word = next->word;
        from = owner;
    }
}

static void add(mri_owner_registry *r, mri_owner_wait *wait)
{
    mri_owner_wait **bucket = bucket_of(r, wait->id);
    wait->next = *bucket;
    wait->from = bucket;
    if (wait->next)
        wait->next->from = &wait->next;
    *bucket = wait;
}

bool mri_owner_wait_begin(mri_owner_wait *wait, mri_owner me,
                          mri_owner_word *word)
{
    wait->known = *me.holds > 0;
    if (!wait->known)
        return true;
    wait->id = me.id;
    wait->word = word;
    mri_owner_registry *r = mri_owner_registry_here();
    mri_lock_acquire(&r->lock);
    bool closes = leads_to(r, word, me.id);
    if (!closes)
        add(r, wait);
    mri_lock_release(&r->lock);
    return !closes;
}

void mri_owner_wait_end(mri_owner_wait *wait)
{
    if (!wait->known)
        return;
    mri_owner_registry *r = mri_owner_registry_here();
    mri_lock_acquire(&r->lock);
    *wait->from = wait->next;
    if (wait->next)
        wait->next->from = wait->from;
    mri_lock_release(&r->lock);
}
