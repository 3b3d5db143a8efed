/* os/pages.h over the model's heap, with small pages. Whatever the kernel does
 * to memory behind the program's back is a plain write here, so that it races
 * with whoever still uses it: a drop with the stack's user, a guard with
 * whoever got the strand before it was guarded. A page that begins with GUARDED
 * is a guard, which a drop leaves. */
#include "os/pages.h"

#include "model.h"

#include <string.h>

#define PAGE 64
#define GUARDED UINT64_C(0x4755415244000000)

size_t mri_page_size(void)
{
    return PAGE;
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
    *(uint64_t *)addr = kind == MRI_GUARD_NONE ? 0 : GUARDED + kind;
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
    for (char *page = addr; size > 0; page += PAGE, size -= PAGE)
        if (*(uint64_t *)page / 256 != GUARDED / 256)
            memset(page, 0, PAGE);
    return 0;
}
