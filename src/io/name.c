/* Names that are made, changed, removed and read; see path.h. */
#define _GNU_SOURCE
#include "io/call_file.h"
#include "io/path.h"

#include <millrace/task.h>

#include <limits.h>
#include <string.h>

/* For a thread that may block. */
struct request {
    const char *path, *other;
    mode_t mode;
    char *out;
    size_t size;
};

static int64_t ask(mr_fn call, struct request *r)
{
    mri_strand *s;
    int rc = mri_caller_begin(&s);
    return rc < 0 ? rc : mr_blocking(call, r);
}

/* ---- Changed ------------------------------------------------------------ */

static int64_t renames(void *arg)
{
    const struct request *r = arg;
    return mri_call_rename(r->path, r->other);
}

static int64_t unlinks(void *arg)
{
    const struct request *r = arg;
    return mri_call_unlink(r->path);
}

static int64_t makes_directory(void *arg)
{
    const struct request *r = arg;
    return mri_call_mkdir(r->path, r->mode);
}

static int64_t removes_directory(void *arg)
{
    const struct request *r = arg;
    return mri_call_rmdir(r->path);
}

static int64_t makes_link(void *arg)
{
    const struct request *r = arg;
    return mri_call_symlink(r->other, r->path);
}

static int64_t makes_temporary(void *arg)
{
    const struct request *r = arg;
    return mri_call_mkdtemp(r->out);
}

int mr_rename(const char *from, const char *to)
{
    return (int)ask(renames, &(struct request){.path = from, .other = to});
}

int mr_unlink(const char *path)
{
    return (int)ask(unlinks, &(struct request){.path = path});
}

int mr_mkdir(const char *path, unsigned mode)
{
    return (int)ask(makes_directory,
                    &(struct request){.path = path, .mode = (mode_t)mode});
}

int mr_rmdir(const char *path)
{
    return (int)ask(removes_directory, &(struct request){.path = path});
}

int mr_symlink(const char *target, const char *path)
{
    return (int)ask(makes_link,
                    &(struct request){.path = path, .other = target});
}

int mr_mkdir_temporary(char *path)
{
    return (int)ask(makes_temporary, &(struct request){.out = path});
}

/* ---- Read --------------------------------------------------------------- */

/* The system says of a text that was cut only that there is no room left. */
static int64_t reads_link(void *arg)
{
    const struct request *r = arg;
    char one;
    long n = r->size > 0 ? mri_call_readlink(r->path, r->out, r->size)
                         : mri_call_readlink(r->path, &one, 1);
    if (n < 0)
        return n;
    if ((size_t)n >= r->size)
        return MR_ERANGE;
    r->out[n] = '\0';
    return n;
}

static int64_t reads_real(void *arg)
{
    const struct request *r = arg;
    char real[PATH_MAX];
    int rc = mri_call_realpath(r->path, real);
    if (rc < 0)
        return rc;
    size_t n = strlen(real);
    if (n >= r->size)
        return MR_ERANGE;
    memcpy(r->out, real, n + 1);
    return (int64_t)n;
}

int64_t mr_readlink(const char *path, char *out, size_t size)
{
    return ask(reads_link,
               &(struct request){.path = path, .out = out, .size = size});
}

int64_t mr_realpath(const char *path, char *out, size_t size)
{
    return ask(reads_real,
               &(struct request){.path = path, .out = out, .size = size});
}
