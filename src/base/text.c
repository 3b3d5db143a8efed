/* See text.h. */
#include "base/text.h"

void mri_text_put_most(mri_text *t, const char *s, size_t most)
{
    while (most-- > 0 && *s && t->at < t->end)
        *t->at++ = *s++;
}

void mri_text_put(mri_text *t, const char *s)
{
    mri_text_put_most(t, s, SIZE_MAX);
}

/* At least `least` digits. */
static void put_number(mri_text *t, uint64_t n, unsigned base, unsigned least)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    for (; n > 0 || least > 0; n /= base) {
        digits[--at] = "0123456789abcdef"[n % base];
        least -= least > 0;
    }
    mri_text_put(t, digits + at);
}

void mri_text_decimal(mri_text *t, uint64_t n)
{
    put_number(t, n, 10, 1);
}

void mri_text_hex(mri_text *t, uint64_t n)
{
    mri_text_put(t, "0x");
    put_number(t, n, 16, 1);
}

void mri_text_seconds(mri_text *t, int64_t ns)
{
    uint64_t hundredths = ns > 0 ? (uint64_t)ns / 10000000 : 0;
    mri_text_decimal(t, hundredths / 100);
    mri_text_put(t, ".");
    put_number(t, hundredths % 100, 10, 2);
    mri_text_put(t, " s");
}
