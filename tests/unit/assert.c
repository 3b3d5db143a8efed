#include "base/assert.h"
#include "test.h"

#include <signal.h>

static void break_rule(void *arg)
{
    int value = *(int *)arg;
    mri_require(value == 1, "the value is one");
}

TEST(assert, broken_rule_stops_the_program_by_name)
{
    int wrong = 2;
    EXPECT(test_dies(break_rule, &wrong, SIGABRT,
                     "millrace: the value is one (value == 1) at "));
    EXPECT(test_dies(break_rule, &wrong, SIGABRT, "in break_rule\n"));
}

TEST(assert, kept_rule_does_nothing)
{
    int right = 1;
    EXPECT(test_dies(break_rule, &right, 0, NULL));
}
