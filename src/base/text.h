/* A line of text put together piece by piece in memory of the caller's: for
 * who may be in a signal handler, or has a hundred thousand of them to write,
 * and so has no use for printf. What does not fit is cut off.
 *
 * Must not know: where it goes.
 */
#ifndef MRI_BASE_TEXT_H
#define MRI_BASE_TEXT_H

#include "base/compiler.h"

/* [begin, at) is written; at <= end. */
typedef struct mri_text {
    char *begin, *at, *end;
} mri_text;

#define MRI_TEXT(buffer)                                                       \
    {                                                                          \
        (buffer), (buffer), (buffer) + sizeof(buffer)                          \
    }

void mri_text_put(mri_text *t, const char *s);
/* Up to `most` bytes of it. */
void mri_text_put_most(mri_text *t, const char *s, size_t most);
void mri_text_decimal(mri_text *t, uint64_t n);
/* 0x..., no leading zeros. */
void mri_text_hex(mri_text *t, uint64_t n);
/* Nanoseconds as seconds with two decimals: "1.20 s"; below 0 is 0. */
void mri_text_seconds(mri_text *t, int64_t ns);

#endif
