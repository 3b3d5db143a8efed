/* Each system call of os/pages.c failed in turn: the failure goes up, and
 * nothing is left behind. */
#define _GNU_SOURCE
#include "os/pages.h"

#include "faults.h"
#include "mapped.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <millrace/error.h>
#include <stdio.h>

/* A sanitizer's runtime maps some memory of its own in between, not as much. */
#define MUCH ((size_t)64 << 20)

static const int errors[] = {ENOMEM, EPERM, EAGAIN, EINVAL, ENOSYS};

static int open_files(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    EXPECT(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* stdio has taken its buffers. */
static void warm_up(void)
{
    for (int i = 0; i < 2; i++) {
        (void)mapped_kib();
        (void)open_files();
    }
}

static int fail_map(int nth, int error, void **out)
{
    long before = mapped_kib();
    faults_arm(nth, error);
    int rc = mri_pages_map(out, MUCH);
    if (!faults_disarm())
        return 0;
    if (error == EINVAL && strcmp(faults_last(), "madvise") == 0) {
        EXPECT_EQ(rc, 0); /* no huge pages in this kernel: none to avoid */
        EXPECT_EQ(mri_pages_unmap(*out, MUCH), 0);
        *out = NULL;
    } else {
        EXPECT_EQ(rc, -error);
    }
    EXPECT(*out == NULL);
    EXPECT(mapped_kib() - before < (long)(MUCH / 2048));
    return 1;
}

TEST(faults_pages, failed_map_leaves_nothing_mapped)
{
    warm_up();
    for (size_t e = 0; e < MRI_ARRAY_LEN(errors); e++) {
        void *out = NULL;
        int n = 1;
        while (fail_map(n, errors[e], &out))
            n++;
        EXPECT_EQ(n - 1, 2); /* mmap, madvise */
        EXPECT(out != NULL);
        EXPECT_EQ(mri_pages_unmap(out, MUCH), 0);
    }
}

TEST(faults_pages, failed_guard_leaves_the_page_usable)
{
    static const mri_guard kinds[] = {MRI_GUARD_MPROTECT, MRI_GUARD_MADVISE};
    size_t page = mri_page_size();
    void *out = NULL;
    EXPECT_EQ(mri_pages_map(&out, page), 0);
    for (size_t i = 0; i < MRI_ARRAY_LEN(kinds); i++) {
        faults_arm(1, ENOMEM);
        EXPECT_EQ(mri_pages_guard(out, page, kinds[i]), MR_ENOMEM);
        EXPECT(faults_disarm());
        *(volatile char *)out = 1;
        faults_arm(1, ENOMEM);
        EXPECT_EQ(mri_pages_unguard(out, page, kinds[i]), MR_ENOMEM);
        EXPECT(faults_disarm());
    }
    EXPECT_EQ(mri_pages_unmap(out, page), 0);
}

TEST(faults_pages, failed_look_at_what_is_used_is_an_error)
{
    size_t page = mri_page_size();
    void *out = NULL;
    EXPECT_EQ(mri_pages_map(&out, 600 * page), 0);
    faults_arm(2, ENOMEM);
    EXPECT_EQ(mri_pages_used(out, 600 * page), MR_ENOMEM);
    EXPECT(faults_disarm());
    EXPECT_EQ(mri_pages_unmap(out, 600 * page), 0);
}

TEST(faults_pages, failed_drop_keeps_what_was_there)
{
    size_t page = mri_page_size();
    void *out = NULL;
    EXPECT_EQ(mri_pages_map(&out, page), 0);
    *(char *)out = 7;
    faults_arm(1, EAGAIN);
    EXPECT_EQ(mri_pages_drop(out, page), MR_EAGAIN);
    EXPECT(faults_disarm());
    EXPECT_EQ(*(char *)out, 7);
    faults_arm(1, EINVAL);
    EXPECT_EQ(mri_pages_unmap(out, page), MR_EINVAL);
    EXPECT(faults_disarm());
    EXPECT_EQ(*(char *)out, 7);
    EXPECT_EQ(mri_pages_unmap(out, page), 0);
}

/* A probe that cannot try one kind settles for a lesser one, and never
 * names a kind that it did not see work. */
TEST(faults_pages, probe_survives_any_failure_and_leaves_nothing_mapped)
{
    mri_guard best = mri_guard_probe();
    warm_up();
    for (int n = 1;; n++) {
        long before = mapped_kib();
        faults_arm(n, EPERM);
        mri_guard found = mri_guard_probe();
        if (!faults_disarm()) {
            EXPECT_EQ(found, best);
            break;
        }
        EXPECT(found <= best);
        /* A failed munmap is the one thing that cannot be made good. */
        if (strcmp(faults_last(), "munmap") != 0)
            EXPECT_EQ(mapped_kib(), before);
        else
            EXPECT_EQ(found, best);
    }
}

TEST(faults_pages, probe_without_madvise_finds_mprotect)
{
    if (mri_guard_probe() == MRI_GUARD_NONE)
        SKIP("no guards here");
    /* The first madvise is mri_pages_map's: EINVAL does no harm there. */
    faults_arm_call("madvise", 1, EINVAL, true);
    mri_guard found = mri_guard_probe();
    EXPECT(faults_disarm());
    EXPECT_EQ(found, MRI_GUARD_MPROTECT);
}

TEST(faults_pages, probe_without_any_finds_none)
{
    faults_arm_call("mmap", 1, ENOMEM, true);
    mri_guard found = mri_guard_probe();
    EXPECT(faults_disarm());
    EXPECT_EQ(found, MRI_GUARD_NONE);
}

TEST(faults_pages, failed_budget_is_an_error_and_leaves_no_file_open)
{
    int64_t whole = mri_map_budget();
    if (whole < 0)
        SKIP("the system does not tell");
    warm_up();
    int before = open_files(), n = 1;
    for (;; n++) {
        faults_arm(n, EIO);
        int64_t budget = mri_map_budget();
        if (!faults_disarm())
            break;
        EXPECT_EQ(budget, MR_EIO);
        EXPECT_EQ(open_files(), before);
    }
    EXPECT(n - 1 >= 5); /* open, read; open, read until the end */
}
