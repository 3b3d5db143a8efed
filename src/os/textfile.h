/* The small text files of /proc and /sys, under a root that tests replace.
 *
 * Two kinds of failure are kept apart, everywhere in the rooms that read here:
 *  - The file does not exist, or not for us, or not in this kernel: it says
 *    nothing, and that is an answer. mri_text_read returns 0.
 *  - The file may exist but could not be read now (no descriptor, no memory,
 *    a failing device): a negative code, which every caller hands up. A quota
 *    that goes unseen because descriptors ran out would be a swallowed error.
 *
 * Must not know: what any file means.
 */
#ifndef MRI_OS_TEXTFILE_H
#define MRI_OS_TEXTFILE_H

#include "base/compiler.h"

#include <stdbool.h>

/* One file at a time: a read replaces the text before.
 * Invariant: data == NULL if and only if size == 0. */
typedef struct mri_text {
    const char *root; /* put before every path; "" on the live machine */
    char *data;       /* after a read that returned 1: its text, with a NUL */
    size_t size;      /* bytes allocated at data */
} mri_text;

/* `root` NULL or "": the live machine. Allocates nothing. */
void mri_text_open(mri_text *text, const char *root);
void mri_text_close(mri_text *text);

/* Read the whole file at root + path. 1: text->data holds it. 0: it says
 * nothing. Negative: could not be read (MR_ENOMEM, MR_EMFILE, MR_EIO, ...). */
MRI_CHECKED int mri_text_read(mri_text *text, const char *path, ...)
    MRI_PRINTF(2, 3);

/* The decimal number at `s`, without sign or blanks. The first character
 * behind it, or NULL: no digit, or it does not fit. */
const char *mri_text_number(const char *s, int64_t *out);

/* The next range of a CPU list such as "0-3,8,10-11\n". True: *s stands behind
 * it and 0 <= *first <= *last <= INT32_MAX. False: at the end (*s is "") or at
 * something that is not a list (*s is NULL). */
bool mri_text_range(const char **s, int64_t *first, int64_t *last);

#endif
