#include "base/text.h"

#include "test.h"

static const char *of(mri_text *t)
{
    *t->at = '\0';
    return t->begin;
}

/* One byte is left for the terminator. */
#define EXPECT_TEXT(call, expected)                                            \
    do {                                                                       \
        char buffer[64];                                                       \
        mri_text t = MRI_TEXT(buffer);                                         \
        t.end--;                                                               \
        call;                                                                  \
        EXPECT_STR(of(&t), expected);                                          \
    } while (0)

TEST(text, numbers)
{
    EXPECT_TEXT(mri_text_decimal(&t, 0), "0");
    EXPECT_TEXT(mri_text_decimal(&t, UINT64_MAX), "18446744073709551615");
    EXPECT_TEXT(mri_text_hex(&t, 0), "0x0");
    EXPECT_TEXT(mri_text_hex(&t, 0x1234abcd), "0x1234abcd");
    EXPECT_TEXT(mri_text_hex(&t, UINT64_MAX), "0xffffffffffffffff");
}

TEST(text, times)
{
    EXPECT_TEXT(mri_text_seconds(&t, 0), "0.00 s");
    EXPECT_TEXT(mri_text_seconds(&t, -5), "0.00 s");
    EXPECT_TEXT(mri_text_seconds(&t, 9999999), "0.00 s");
    EXPECT_TEXT(mri_text_seconds(&t, 1050000000), "1.05 s");
    EXPECT_TEXT(mri_text_seconds(&t, 3600000000000), "3600.00 s");
}

TEST(text, pieces_follow_each_other)
{
    EXPECT_TEXT((mri_text_put(&t, "a"), mri_text_put(&t, ""),
                 mri_text_put_most(&t, "bcd", 2), mri_text_decimal(&t, 7)),
                "abc7");
}

TEST(text, what_does_not_fit_is_cut_off)
{
    char buffer[4] = "____";
    mri_text t = {buffer, buffer, buffer + 3};
    mri_text_put(&t, "ab");
    mri_text_decimal(&t, 1234);
    mri_text_put(&t, "x");
    EXPECT(t.at == t.end);
    EXPECT(memcmp(buffer, "ab1_", 4) == 0);
}
