#include <millrace/error.h>

#include "test.h"

TEST(error, known_code_has_name_and_text)
{
    EXPECT_STR(mr_error_name(MR_ENOMEM), "MR_ENOMEM");
    EXPECT_STR(mr_strerror(MR_ENOMEM), "out of memory");
    EXPECT_STR(mr_error_name(MR_EOF), "MR_EOF");
}

TEST(error, unknown_code_is_said_to_be_unknown)
{
    EXPECT_STR(mr_error_name(-99999), "MR_UNKNOWN");
    EXPECT_STR(mr_strerror(INT64_MIN), "unknown error");
}

TEST(error, success_is_no_error)
{
    EXPECT_STR(mr_error_name(0), "MR_OK");
    EXPECT_STR(mr_strerror(INT64_MAX), "no error");
}

TEST(error, no_two_codes_share_a_number_or_a_name)
{
    static const struct {
        int code;
        const char *name;
    } rows[] = {
#define ROW(name, number, text) {(number), #name},
        MR_ERROR_MAP(ROW)
#undef ROW
    };
    size_t n = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < n; i++) {
        EXPECT(rows[i].code < 0);
        for (size_t j = 0; j < i; j++) {
            EXPECT(rows[i].code != rows[j].code);
            EXPECT(strcmp(rows[i].name, rows[j].name) != 0);
        }
    }
}
