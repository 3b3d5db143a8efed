/* Address space, memory and guards.
 *
 * Must not know: what lies in the pages.
 */
#ifndef MRI_OS_PAGES_H
#define MRI_OS_PAGES_H

#include "base/compiler.h"

/* Size of a page, a power of two. */
size_t mri_page_size(void);

/* How memory can be made untouchable. MADVISE costs no mapping (Linux 6.13,
 * MADV_GUARD_INSTALL); MPROTECT splits one and counts against
 * vm.max_map_count. */
typedef enum mri_guard {
    MRI_GUARD_NONE,
    MRI_GUARD_MPROTECT,
    MRI_GUARD_MADVISE
} mri_guard;

/* The best kind that this kernel grants, found by trying on a scratch page
 * whether the kernel itself is kept out and let in again. */
mri_guard mri_guard_probe(void);
const char *mri_guard_name(mri_guard kind);

/* Mappings this process may still create for guards before the kernel refuses
 * (vm.max_map_count less what is mapped), or a negative code. */
int64_t mri_map_budget(void);

/* Reserve `size` bytes, zero, readable and writable, committed lazily, never
 * huge pages. All sizes and addresses here are multiples of the page size.
 * 0, or a negative code with *out untouched. */
MRI_CHECKED int mri_pages_map(void **out, size_t size);

/* Give the mapping back. 0 or a negative code (a bad range; MR_ENOMEM where it
 * would split a mapping at the limit of their number). */
MRI_CHECKED int mri_pages_unmap(void *addr, size_t size);

/* Make [addr, addr + size) fault on any access, or undo it. On failure the
 * range is as it was where it is one page or of one mapping. Kind
 * MRI_GUARD_NONE does nothing. */
MRI_CHECKED int mri_pages_guard(void *addr, size_t size, mri_guard kind);
MRI_CHECKED int mri_pages_unguard(void *addr, size_t size, mri_guard kind);

/* Bytes from the lowest page of the range that was touched, and not given back
 * or swapped out, to its end; 0: none; or a negative code. Anybody. */
MRI_CHECKED int64_t mri_pages_used(const void *addr, size_t size);

/* Return the memory behind the range; it reads as zero when touched again.
 * Guards inside a range stay. MR_EINVAL for locked memory (mlockall). */
MRI_CHECKED int mri_pages_drop(void *addr, size_t size);

#endif
