/* Open files: what is read and written at offsets; see path.h. */
#define _GNU_SOURCE
#include <millrace/file.h>

#include "io/call_file.h"
#include "io/path.h"
#include <millrace/task.h>

/* What a worker copies at once: some 20 us. */
enum { MOST = 256 * 1024 };

/* What is left to be read or written. */
typedef struct piece {
    int fd;
    char *at;
    size_t left;
    int64_t offset;
} piece;

/* One call, of at most `most` bytes. */
typedef long (*call_fn)(const piece *p, size_t most);

static size_t size_of(const piece *p, size_t most)
{
    return p->left < most ? p->left : most;
}

static void advance(piece *p, long n)
{
    p->at += n;
    p->left -= (size_t)n;
    p->offset += n;
}

static long reads(const piece *p, size_t most)
{
    return mri_call_pread(p->fd, p->at, size_of(p, most), p->offset);
}

static long reads_now(const piece *p, size_t most)
{
    return mri_call_pread_now(p->fd, p->at, size_of(p, most), p->offset);
}

static long writes(const piece *p, size_t most)
{
    return mri_call_pwrite(p->fd, p->at, size_of(p, most), p->offset);
}

static long writes_now(const piece *p, size_t most)
{
    return mri_call_pwrite_now(p->fd, p->at, size_of(p, most), p->offset);
}

/* ---- As far as it goes -------------------------------------------------- */

struct rest {
    piece *p;
    call_fn call;
};

/* On a thread that may block: 0, or a negative code. */
static int64_t does_rest(void *arg)
{
    const struct rest *r = arg;
    long n = 0;
    while (r->p->left > 0 && (n = r->call(r->p, SIZE_MAX / 2)) > 0)
        advance(r->p, n);
    return n < 0 ? n : 0;
}

/* On strand s. 0: done, or the file has ended; or a negative code. In line with
 * those below, so that each direction's calls are in line too: of a small read
 * that lies in memory the way to the system call would be a tenth. */
MRI_INLINE int64_t transfer(mri_strand *s, piece *p, call_fn now, call_fn call)
{
    while (p->left > 0) {
        mri_turn_take(s, MRI_TURN_SYSTEM);
        long n = now(p, MOST);
        if (n > 0)
            advance(p, n);
        else if (mri_would_block(n))
            return mr_blocking(does_rest, &(struct rest){p, call});
        else
            return n;
    }
    return 0;
}

/* User: both directions. How many bytes, or a negative code. */
MRI_INLINE int64_t transfer_all(mri_strand *s, const mri_desc *d, piece *p,
                                call_fn now, call_fn call)
{
    size_t size = p->left;
    if (p->offset < 0 || size > (uint64_t)(INT64_MAX - p->offset))
        return MR_EINVAL;
    p->fd = d->fd;
    /* What lies in memory is there; the other call would not say so. */
    int64_t rc = d->traits & MRI_DESC_IN_MEMORY ? transfer(s, p, call, call)
                                                : transfer(s, p, now, call);
    return rc < 0 ? rc : (int64_t)(size - p->left);
}

MRI_INLINE int64_t at_offset(mr_handle file, piece *p, call_fn now,
                             call_fn call)
{
    mri_strand *s;
    mri_desc *d;
    int64_t n = mri_attempt_begin(file, MRI_DESC_FILE, &s, &d);
    if (n < 0)
        return n;
    n = transfer_all(s, d, p, now, call);
    mri_desc_put(s, d);
    return n;
}

int64_t mr_file_read(mr_handle file, void *buf, size_t size, int64_t offset)
{
    piece p = {.at = buf, .left = size, .offset = offset};
    return at_offset(file, &p, reads_now, reads);
}

/* A write that ends early without a reason: nobody says so of a file. */
int64_t mr_file_write(mr_handle file, const void *buf, size_t size,
                      int64_t offset)
{
    piece p = {.at = (char *)(uintptr_t)buf, .left = size, .offset = offset};
    int64_t n = at_offset(file, &p, writes_now, writes);
    return n >= 0 && (size_t)n < size ? MR_EIO : n;
}

/* ---- The rest ----------------------------------------------------------- */

struct request {
    int fd;
    int64_t size;
};

static int64_t syncs(void *arg)
{
    return mri_call_fsync(((const struct request *)arg)->fd);
}

static int64_t syncs_data(void *arg)
{
    return mri_call_fdatasync(((const struct request *)arg)->fd);
}

static int64_t truncates(void *arg)
{
    const struct request *r = arg;
    return mri_call_ftruncate(r->fd, r->size);
}

/* User: on a thread that may block. */
static int ask(mr_handle file, mr_fn call, int64_t size)
{
    mri_strand *s;
    mri_desc *d;
    int rc = mri_attempt_begin(file, MRI_DESC_FILE, &s, &d);
    if (rc < 0)
        return rc;
    rc = (int)mr_blocking(call, &(struct request){d->fd, size});
    mri_desc_put(s, d);
    return rc;
}

int mr_file_sync(mr_handle file)
{
    return ask(file, syncs, 0);
}

int mr_file_sync_data(mr_handle file)
{
    return ask(file, syncs_data, 0);
}

int mr_file_truncate(mr_handle file, int64_t size)
{
    return size < 0 ? MR_EINVAL : ask(file, truncates, size);
}

int mr_file_stat(mr_handle handle, mr_file_info *out)
{
    mri_strand *s;
    mri_desc *d;
    int rc = mri_attempt_begin(handle, ~0U, &s, &d);
    if (rc < 0)
        return rc;
    rc = mri_fd_look(d->fd, out);
    mri_desc_put(s, d);
    return rc;
}
