/* What the tests themselves stand on: test_dies. */
#include "slow.h"
#include "test.h"

#include <signal.h>
#include <unistd.h>

static void end_well(void *arg)
{
    (void)arg;
}

static void end_badly(void *arg)
{
    (void)arg;
    _exit(1);
}

static void end_by_signal(void *arg)
{
    fprintf(stderr, "last words");
    raise(*(int *)arg);
}

/* AddressSanitizer alone sees it, and ends it; else the next line does. */
static void write_too_far(void *arg)
{
    char *volatile one = malloc(1);
    one[*(int *)arg] = 1;
    abort();
}

TEST(dies, tells_one_end_from_another)
{
    int term = SIGTERM, usr1 = SIGUSR1;
    EXPECT(test_dies(end_by_signal, &term, SIGTERM, "last words"));
    EXPECT(!test_dies(end_by_signal, &term, SIGTERM, "other words"));
    EXPECT(!test_dies(end_by_signal, &usr1, SIGTERM, NULL));
    EXPECT(!test_dies(end_well, NULL, SIGTERM, NULL));
    EXPECT(test_dies(end_well, NULL, 0, NULL));
    EXPECT(!test_dies(end_badly, NULL, 0, NULL));
}

TEST(dies, bad_status_is_a_signal_under_a_sanitizer_only)
{
    int beyond = 1;
    EXPECT_EQ(test_dies(end_badly, NULL, SIGABRT, NULL), slow_is_sanitized());
    EXPECT(test_dies(write_too_far, &beyond, SIGABRT, NULL));
}
