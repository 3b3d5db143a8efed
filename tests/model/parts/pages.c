/* os/pages.h over the model's heap, with small pages. Whatever the kernel does
 * to memory behind the program's back is a plain write here, so that it races
 * with whoever still uses it: a drop with the stack's user, a guard with
 * whoever got the strand before it was guarded. */
#include "os/pages.h"

#include "model.h"

#include <string.h>

size_t mri_page_size(void)
{
    return 64;
}

mri_guard mri_guard_probe(void)
{
    return MRI_GUARD_MADVISE;
}

int64_t mri_map_budget(void)
{
    return 64;
}

int mri_pages_map(void **out, size_t size)
{
    *out = model_alloc(size);
    return 0;
}

int mri_pages_unmap(void *addr, size_t size)
{
    (void)size;
    model_free(addr);
    return 0;
}

int mri_pages_guard(void *addr, size_t size, mri_guard kind)
{
    (void)size;
    *(uint64_t *)addr = kind;
    return 0;
}

int mri_pages_unguard(void *addr, size_t size, mri_guard kind)
{
    (void)kind;
    memset(addr, 0, size);
    return 0;
}

int mri_pages_drop(void *addr, size_t size)
{
    memset(addr, 0, size);
    return 0;
}
