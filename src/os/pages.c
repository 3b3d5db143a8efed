/* Address space from mmap(2), guards from madvise(2) or mprotect(2). */
#include "os/pages.h"

#include "os/sys.h"

#include <millrace/error.h>
#include <stdbool.h>

/* Linux 6.13; older headers lack them. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

size_t mri_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int mri_pages_map(void **out, size_t size)
{
    void *addr = NULL;
    int rc = mri_sys_mmap(&addr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (rc < 0)
        return rc;
    rc = mri_sys_madvise(addr, size, MADV_NOHUGEPAGE);
    /* A kernel without huge pages does not know how to avoid them. */
    if (rc < 0 && rc != MR_EINVAL) {
        mri_sys_munmap(addr, size); /* rc is the failure to report */
        return rc;
    }
    *out = addr;
    return 0;
}

int mri_pages_unmap(void *addr, size_t size)
{
    return mri_sys_munmap(addr, size);
}

int mri_pages_guard(void *addr, size_t size, mri_guard kind)
{
    switch (kind) {
    case MRI_GUARD_MADVISE:
        return mri_sys_madvise(addr, size, MADV_GUARD_INSTALL);
    case MRI_GUARD_MPROTECT:
        return mri_sys_mprotect(addr, size, PROT_NONE);
    case MRI_GUARD_NONE:
        break;
    }
    return 0;
}

int mri_pages_unguard(void *addr, size_t size, mri_guard kind)
{
    switch (kind) {
    case MRI_GUARD_MADVISE:
        return mri_sys_madvise(addr, size, MADV_GUARD_REMOVE);
    case MRI_GUARD_MPROTECT:
        return mri_sys_mprotect(addr, size, PROT_READ | PROT_WRITE);
    case MRI_GUARD_NONE:
        break;
    }
    return 0;
}

int mri_pages_drop(void *addr, size_t size)
{
    return mri_sys_madvise(addr, size, MADV_DONTNEED);
}

int64_t mri_pages_used(const void *addr, size_t size)
{
    unsigned char in_memory[512];
    size_t page = mri_page_size(), pages = size / page;
    for (size_t i = 0; i < pages; i += sizeof in_memory) {
        size_t n = pages - i < sizeof in_memory ? pages - i : sizeof in_memory;
        int rc = mri_sys_mincore((char *)(uintptr_t)addr + i * page, n * page,
                                 in_memory);
        if (rc < 0)
            return rc;
        for (size_t j = 0; j < n; j++)
            if (in_memory[j] & 1)
                return (int64_t)(size - (i + j) * page);
    }
    return 0;
}

/* Success is not enough: qemu-user, for one, accepts any advice and does
 * nothing. The guard must keep even the kernel out, and let it in again. */
static bool guards(void *page, size_t size, mri_guard kind)
{
    return mri_pages_guard(page, size, kind) == 0 &&
           mri_sys_touch(page) == MR_EFAULT &&
           mri_pages_unguard(page, size, kind) == 0 && mri_sys_touch(page) == 0;
}

/* A page of its own for each kind: what fails may leave it untouchable. */
static bool works(mri_guard kind)
{
    size_t size = mri_page_size();
    void *page = NULL;
    if (mri_pages_map(&page, size) < 0)
        return false;
    bool good = guards(page, size, kind);
    /* Should this fail, a page of address space is lost, and no more. */
    int lost MRI_UNUSED = mri_pages_unmap(page, size);
    return good;
}

mri_guard mri_guard_probe(void)
{
    if (works(MRI_GUARD_MADVISE))
        return MRI_GUARD_MADVISE;
    return works(MRI_GUARD_MPROTECT) ? MRI_GUARD_MPROTECT : MRI_GUARD_NONE;
}

const char *mri_guard_name(mri_guard kind)
{
    switch (kind) {
    case MRI_GUARD_MADVISE:
        return "madvise";
    case MRI_GUARD_MPROTECT:
        return "mprotect";
    case MRI_GUARD_NONE:
        break;
    }
    return "none";
}

/* Whoever asks may be short of memory: no allocation. */
static int64_t count_lines(int fd)
{
    char text[4096];
    int64_t lines = 0;
    for (;;) {
        long n = mri_sys_read(fd, text, sizeof text);
        if (n <= 0)
            return n < 0 ? n : lines;
        for (long i = 0; i < n; i++)
            lines += text[i] == '\n';
    }
}

static int64_t read_number(int fd)
{
    char text[32];
    long n = mri_sys_read(fd, text, sizeof text);
    int64_t number = 0, digits = 0;
    if (n < 0)
        return n;
    for (; digits < n && digits < 18; digits++) {
        if (text[digits] < '0' || text[digits] > '9')
            break;
        number = number * 10 + (text[digits] - '0');
    }
    return digits > 0 ? number : MR_EIO;
}

static int64_t of_file(const char *path, int64_t (*what)(int fd))
{
    int fd = mri_sys_open(path, O_RDONLY);
    if (fd < 0)
        return fd;
    int64_t result = what(fd);
    mri_sys_close(fd);
    return result;
}

int64_t mri_map_budget(void)
{
    int64_t limit = of_file("/proc/sys/vm/max_map_count", read_number);
    if (limit < 0)
        return limit;
    int64_t used = of_file("/proc/self/maps", count_lines);
    if (used < 0)
        return used;
    return limit > used ? limit - used : 0;
}
