/* What os/pages.h does at the limits of a process: address space, mappings,
 * locked memory. Each in a child, which spends itself on it. */
#define _GNU_SOURCE
#include "child.h"
#include "mapped.h"
#include "os/pages.h"
#include "test.h"

#include <millrace/error.h>
#include <sys/mman.h>
#include <sys/resource.h>

static enum child_end exhaust_address_space(void *arg)
{
    (void)arg;
    const struct rlimit limit = {1 << 20, 1 << 20};
    size_t size = 64 << 20;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return CHILD_SKIP;
    void *plain =
        mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (plain != MAP_FAILED)
        return CHILD_SKIP; /* an emulator that ignores the limit */
    void *out = &out;
    CHILD_EXPECT(mri_pages_map(&out, size) == MR_ENOMEM);
    CHILD_EXPECT(out == &out);
    CHILD_EXPECT(mri_guard_probe() == MRI_GUARD_NONE);
    return CHILD_OK;
}

TEST(limits, mapping_beyond_the_address_space_limit_is_no_memory)
{
    CHILD_RUN_OR_SKIP(exhaust_address_space, NULL,
                      "the limit is not enforced here");
}

/* Guards on every second page until the kernel refuses. How many it took, in
 * *set; the code of the refusal, or 0 where there was none. */
static int guard_until_refused(char *area, size_t pages, size_t *set)
{
    size_t page = mri_page_size();
    for (size_t i = 1; i < pages; i += 2) {
        int rc = mri_pages_guard(area + i * page, page, MRI_GUARD_MPROTECT);
        if (rc < 0)
            return rc;
        *set += 1;
    }
    return 0;
}

static enum child_end exhaust_mappings(void *arg)
{
    (void)arg;
    int64_t budget = mappings_to_spend();
    size_t page = mri_page_size(), set = 0;
    if (budget < 0 || mri_guard_probe() < MRI_GUARD_MADVISE)
        return CHILD_SKIP;
    size_t pages = (size_t)budget * 2 + 100;
    void *area = NULL;
    CHILD_EXPECT(mri_pages_map(&area, pages * page) == 0);
    CHILD_EXPECT(guard_until_refused(area, pages, &set) == MR_ENOMEM);
    char *refused = (char *)area + (2 * set + 1) * page;
    int64_t left = mri_map_budget();
    /* Each cost two, and the budget had said so. */
    CHILD_EXPECT(left >= 0 && left <= 4);
    CHILD_EXPECT((int64_t)set * 2 >= budget - 8 &&
                 (int64_t)set * 2 <= budget + 8);
    *(volatile char *)refused = 1; /* the refused page is as it was */
    CHILD_EXPECT(mri_pages_guard(refused, page, MRI_GUARD_MADVISE) == 0);
    CHILD_EXPECT(mri_pages_unmap(area, pages * page) == 0);
    CHILD_EXPECT(mri_map_budget() >= budget - 8);
    return CHILD_OK;
}

TEST(limits, mprotect_guards_beyond_the_map_limit_are_no_memory)
{
    CHILD_RUN_OR_SKIP(exhaust_mappings, NULL,
                      "mappings cannot be exhausted here");
}

static enum child_end lock_memory(void *arg)
{
    (void)arg;
    if (mri_guard_probe() != MRI_GUARD_MADVISE || mlockall(MCL_FUTURE) != 0)
        return CHILD_SKIP;
    void *plain = mmap(NULL, mri_page_size(), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (plain == MAP_FAILED ||
        madvise(plain, mri_page_size(), MADV_DONTNEED) == 0)
        return CHILD_SKIP; /* sanitizers make mlockall do nothing */
    /* Neither lightweight guards nor dropping go with locked memory. */
    mri_guard found = mri_guard_probe();
    CHILD_EXPECT(found != MRI_GUARD_NONE);
    void *page = NULL;
    if (mri_pages_map(&page, mri_page_size()) != 0)
        return CHILD_SKIP; /* RLIMIT_MEMLOCK */
    CHILD_EXPECT(mri_pages_guard(page, mri_page_size(), found) == 0);
    CHILD_EXPECT(mri_pages_unguard(page, mri_page_size(), found) == 0);
    *(volatile char *)page = 7;
    CHILD_EXPECT(mri_pages_drop(page, mri_page_size()) == MR_EINVAL);
    CHILD_EXPECT(*(volatile char *)page == 7);
    return CHILD_OK;
}

TEST(limits, locked_memory_still_gets_guards_and_says_it_cannot_be_dropped)
{
    CHILD_RUN_OR_SKIP(lock_memory, NULL, "memory cannot be locked here");
}
