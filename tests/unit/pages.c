#define _GNU_SOURCE
#include "os/pages.h"

#include "test.h"

#include <millrace/error.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static const mri_guard kinds[] = {MRI_GUARD_MPROTECT, MRI_GUARD_MADVISE};

/* The kinds up to the best that this machine has. */
#define FOR_EACH_KIND(kind)                                                    \
    for (const mri_guard *kind = kinds;                                        \
         kind < kinds + MRI_ARRAY_LEN(kinds) && *kind <= mri_guard_probe();    \
         kind++)

static char *map(size_t pages)
{
    void *addr = NULL;
    EXPECT_EQ(mri_pages_map(&addr, pages * mri_page_size()), 0);
    return addr;
}

static void unmap(char *addr, size_t pages)
{
    EXPECT_EQ(mri_pages_unmap(addr, pages * mri_page_size()), 0);
}

static void touch(void *at)
{
    *(volatile char *)at = 1;
}

static void look(void *at)
{
    (void)*(volatile char *)at;
}

static void expect_guarded(char *at)
{
    EXPECT(test_dies(touch, at, SIGSEGV, NULL));
    EXPECT(test_dies(look, at, SIGSEGV, NULL));
}

TEST(pages, page_size_is_a_power_of_two)
{
    size_t size = mri_page_size();
    EXPECT(size >= 4096);
    EXPECT_EQ(size & (size - 1), 0);
    EXPECT_EQ(size, getpagesize());
}

TEST(pages, mapped_memory_is_zero_and_writable)
{
    size_t size = 64 * mri_page_size();
    char *addr = map(64);
    EXPECT_EQ((uintptr_t)addr % mri_page_size(), 0);
    for (size_t i = 0; i < size; i += 64) {
        EXPECT_EQ(addr[i], 0);
        addr[i] = (char)(i / 64);
    }
    for (size_t i = 0; i < size; i += 64)
        EXPECT_EQ(addr[i], (char)(i / 64));
    unmap(addr, 64);
}

TEST(pages, mapping_more_than_there_is_fails_and_leaves_out_alone)
{
    void *out = &out;
    int rc = mri_pages_map(&out, (size_t)1 << 60);
    EXPECT(rc == MR_ENOMEM || rc == MR_EINVAL); /* Valgrind says EINVAL */
    EXPECT(out == &out);
    EXPECT_EQ(mri_pages_map(&out, 0), MR_EINVAL);
    EXPECT(out == &out);
}

TEST(pages, bad_ranges_are_refused)
{
    char *addr = map(1);
    EXPECT_EQ(mri_pages_unmap(addr + 1, mri_page_size()), MR_EINVAL);
    EXPECT_EQ(mri_pages_drop(addr + 1, mri_page_size()), MR_EINVAL);
    EXPECT_EQ(mri_pages_guard(addr + 1, mri_page_size(), MRI_GUARD_MPROTECT),
              MR_EINVAL);
    unmap(addr, 1);
}

/* The line of smaps that begins with `key`, for the mapping that contains
 * `at`; false where the system does not tell. */
static bool smaps_line(const char *at, const char *key, char *out, int size)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    bool inside = false, found = false;
    while (smaps && !found && fgets(out, size, smaps)) {
        unsigned long low, high;
        if (sscanf(out, "%lx-%lx ", &low, &high) == 2)
            inside = (uintptr_t)at >= low && (uintptr_t)at < high;
        else
            found = inside && strncmp(out, key, strlen(key)) == 0;
    }
    if (smaps)
        fclose(smaps);
    return found;
}

static bool is_never_huge(const char *at)
{
    char line[512];
    return smaps_line(at, "VmFlags:", line, sizeof line) && strstr(line, " nh");
}

TEST(pages, mapped_memory_never_becomes_huge_pages)
{
    size_t size = 4 * mri_page_size();
    char *probe =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(probe != MAP_FAILED);
    if (madvise(probe, size, MADV_NOHUGEPAGE) != 0 || !is_never_huge(probe))
        SKIP("nothing shows which pages may become huge here");
    char *addr = map(4);
    EXPECT(is_never_huge(addr));
    unmap(addr, 4);
    munmap(probe, size);
}

TEST(pages, guarded_page_faults_and_its_neighbours_do_not)
{
    FOR_EACH_KIND(kind)
    {
        size_t page = mri_page_size();
        char *addr = map(3);
        EXPECT_EQ(mri_pages_guard(addr + page, page, *kind), 0);
        touch(addr + page - 1);
        touch(addr + 2 * page);
        expect_guarded(addr + page);
        expect_guarded(addr + 2 * page - 1);
        unmap(addr, 3);
    }
}

TEST(pages, unguarded_page_can_be_used_again)
{
    FOR_EACH_KIND(kind)
    {
        size_t page = mri_page_size();
        char *addr = map(2);
        EXPECT_EQ(mri_pages_guard(addr, page, *kind), 0);
        EXPECT_EQ(mri_pages_unguard(addr, page, *kind), 0);
        touch(addr);
        touch(addr + page - 1);
        unmap(addr, 2);
    }
}

TEST(pages, guarding_twice_is_guarding_once)
{
    FOR_EACH_KIND(kind)
    {
        size_t page = mri_page_size();
        char *addr = map(1);
        EXPECT_EQ(mri_pages_guard(addr, page, *kind), 0);
        EXPECT_EQ(mri_pages_guard(addr, page, *kind), 0);
        expect_guarded(addr);
        EXPECT_EQ(mri_pages_unguard(addr, page, *kind), 0);
        EXPECT_EQ(mri_pages_unguard(addr, page, *kind), 0);
        touch(addr);
        unmap(addr, 1);
    }
}

TEST(pages, guard_of_no_kind_does_nothing)
{
    char *addr = map(1);
    EXPECT_EQ(mri_pages_guard(addr, mri_page_size(), MRI_GUARD_NONE), 0);
    touch(addr);
    EXPECT_EQ(mri_pages_unguard(addr, mri_page_size(), MRI_GUARD_NONE), 0);
    touch(addr);
    unmap(addr, 1);
}

TEST(pages, dropped_memory_reads_as_zero)
{
    size_t size = 8 * mri_page_size();
    char *addr = map(8);
    memset(addr, 0x5a, size);
    EXPECT_EQ(mri_pages_drop(addr, size), 0);
    for (size_t i = 0; i < size; i++)
        EXPECT_EQ(addr[i], 0);
    unmap(addr, 8);
}

TEST(pages, dropping_a_range_keeps_the_guards_inside)
{
    FOR_EACH_KIND(kind)
    {
        size_t page = mri_page_size();
        char *addr = map(4);
        memset(addr, 0x5a, 4 * page);
        EXPECT_EQ(mri_pages_guard(addr + page, page, *kind), 0);
        EXPECT_EQ(mri_pages_drop(addr, 4 * page), 0);
        EXPECT_EQ(addr[0], 0);
        EXPECT_EQ(addr[2 * page], 0);
        expect_guarded(addr + page);
        unmap(addr, 4);
    }
}

TEST(pages, drop_returns_the_memory_to_the_system)
{
    enum { PAGES = 256 };
    size_t page = mri_page_size();
    char *addr = map(PAGES);
    unsigned char resident[PAGES];
    memset(addr, 1, PAGES * page);
    EXPECT_EQ(mri_pages_drop(addr, PAGES * page), 0);
    if (mincore(addr, PAGES * page, resident) != 0)
        SKIP("mincore does not work here");
    for (int i = 0; i < PAGES; i++)
        EXPECT_EQ(resident[i] & 1, 0);
    unmap(addr, PAGES);
}

TEST(pages, every_kind_has_a_name)
{
    EXPECT_STR(mri_guard_name(MRI_GUARD_NONE), "none");
    EXPECT_STR(mri_guard_name(MRI_GUARD_MPROTECT), "mprotect");
    EXPECT_STR(mri_guard_name(MRI_GUARD_MADVISE), "madvise");
}

TEST(pages, map_budget_shrinks_by_what_mprotect_guards_cost)
{
    enum { GUARDS = 50 };
    size_t page = mri_page_size();
    char *addr = map(2 * GUARDS + 1);
    int64_t before = mri_map_budget();
    if (before == MR_ENOENT || before == MR_EACCES)
        SKIP("the system does not tell");
    EXPECT(before > 2 * GUARDS);
    for (size_t i = 1; i < 2 * GUARDS; i += 2)
        EXPECT_EQ(mri_pages_guard(addr + i * page, page, MRI_GUARD_MPROTECT),
                  0);
    EXPECT_EQ(before - mri_map_budget(), 2 * GUARDS);
    unmap(addr, 2 * GUARDS + 1);
}

TEST(pages, map_budget_is_not_touched_by_madvise_guards)
{
    enum { GUARDS = 50 };
    if (mri_guard_probe() != MRI_GUARD_MADVISE)
        SKIP("no lightweight guards here");
    size_t page = mri_page_size();
    char *addr = map(2 * GUARDS + 1);
    int64_t before = mri_map_budget();
    for (size_t i = 1; i < 2 * GUARDS; i += 2)
        EXPECT_EQ(mri_pages_guard(addr + i * page, page, MRI_GUARD_MADVISE), 0);
    EXPECT_EQ(mri_map_budget(), before);
    unmap(addr, 2 * GUARDS + 1);
}

TEST(pages, used_is_what_lies_above_the_lowest_page_touched)
{
    enum { MANY = 1500 };
    size_t page = mri_page_size();
    char *addr = map(MANY);
    int64_t used = mri_pages_used(addr, MANY * page);
    if (used == MR_ENOSYS || used == MR_EPERM)
        SKIP("the system does not tell");
    EXPECT_EQ(used, 0);
    for (size_t i = MANY; i > 0; i -= 100) {
        addr[(i - 1) * page + 7] = 1;
        EXPECT_EQ(mri_pages_used(addr, MANY * page), (MANY - i + 1) * page);
        EXPECT_EQ(mri_pages_used(addr, (i - 1) * page), 0);
    }
    EXPECT_EQ(mri_pages_drop(addr, MANY * page), 0);
    EXPECT_EQ(mri_pages_used(addr, MANY * page), 0);
    EXPECT(mri_pages_used(addr + 1, page) < 0);
    unmap(addr, MANY);
}
