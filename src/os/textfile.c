/* Reading small text files. */
#include "os/textfile.h"

#include "os/sys.h"

#include <millrace/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SIZE 512

void mri_text_open(mri_text *text, const char *root)
{
    *text = (mri_text){.root = root ? root : ""};
}

void mri_text_close(mri_text *text)
{
    free(text->data);
    *text = (mri_text){.root = text->root};
}

static int grow(mri_text *text, size_t used, size_t size)
{
    if (size <= text->size)
        return 0;
    if (size < FIRST_SIZE)
        size = FIRST_SIZE;
    char *data = mri_sys_alloc(size);
    if (!data)
        return MR_ENOMEM;
    if (used)
        memcpy(data, text->data, used);
    free(text->data);
    text->data = data;
    text->size = size;
    return 0;
}

/* The path is put together where the text will stand: paths have no limit of
 * ours, and the stack of the caller may be a task's. */
static int put_path(mri_text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int tail = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (tail < 0)
        return MR_EINVAL;
    size_t head = strlen(text->root);
    int rc = grow(text, 0, head + (size_t)tail + 1);
    if (rc < 0)
        return rc;
    memcpy(text->data, text->root, head);
    vsnprintf(text->data + head, (size_t)tail + 1, format, args);
    return 0;
}

static int read_all(mri_text *text, int fd)
{
    for (size_t len = 0;;) {
        int rc = len + 1 < text->size ? 0 : grow(text, len, 2 * text->size);
        if (rc < 0)
            return rc;
        long n = mri_sys_read(fd, text->data + len, text->size - len - 1);
        if (n < 0)
            return (int)n;
        len += (size_t)n;
        text->data[len] = '\0';
        if (n == 0)
            return 1;
    }
}

/* Missing, forbidden, not in this kernel, or gone since (a removed cgroup
 * answers ENODEV). */
static bool says_nothing(int code)
{
    switch (code) {
    case MR_ENOENT:
    case MR_ENOTDIR:
    case MR_EISDIR:
    case MR_EACCES:
    case MR_EPERM:
    case MR_ENOTSUP:
    case MR_ENOSYS:
    case MR_ENODEV:
    case MR_ENXIO:
        return true;
    default:
        return false;
    }
}

int mri_text_read(mri_text *text, const char *path, ...)
{
    va_list args;
    va_start(args, path);
    int rc = put_path(text, path, args);
    va_end(args);
    if (rc < 0)
        return rc;
    int fd = mri_sys_open(text->data, O_RDONLY);
    rc = fd < 0 ? fd : read_all(text, fd);
    if (fd >= 0)
        mri_sys_close(fd);
    return says_nothing(rc) ? 0 : rc;
}

const char *mri_text_number(const char *s, int64_t *out)
{
    int64_t value = 0;
    const char *digit = s;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *digit - '0', &value))
            return NULL;
    }
    *out = value;
    return digit == s ? NULL : digit;
}

/* Past the comma that must be followed by a range, or past the line's end. */
static const char *after_range(const char *s)
{
    if (!s)
        return NULL;
    if (*s == ',')
        return s[1] >= '0' && s[1] <= '9' ? s + 1 : NULL;
    if (*s == '\n')
        s++;
    return *s ? NULL : s;
}

bool mri_text_range(const char **s, int64_t *first, int64_t *last)
{
    if (*s && (**s == '\0' || **s == '\n')) {
        *s = after_range(*s);
        return false;
    }
    const char *end = *s ? mri_text_number(*s, first) : NULL;
    if (end && *end == '-')
        end = mri_text_number(end + 1, last);
    else if (end)
        *last = *first;
    bool fits = end && *first <= *last && *last <= INT32_MAX;
    *s = fits ? after_range(end) : NULL;
    return *s;
}
