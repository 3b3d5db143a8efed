/* One face for two test runners.
 *
 * Criterion runs the suites (each test in a process of its own). It cannot
 * start under ThreadSanitizer ("Could not initialize inheritable arena"), is
 * of no use under Valgrind and does not exist for a cross-built AArch64, so
 * there the same files are built with MR_TEST_PLAIN against runner.c, which
 * runs the tests one after the other in one process.
 *
 * A test's name is a fact: TEST(futex, wait_on_changed_word_returns_eagain).
 * A failed EXPECT ends the test; in a thread of its own, the program.
 * SKIP(reason) ends it as not applicable here, and says so in a line that
 * reports.sh and tools/dev read: "skip futex/...: reason".
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MR_TEST_PLAIN

struct test_case {
    const char *suite, *name;
    void (*run)(void);
    struct test_case *next;
};

void test_register(struct test_case *t);
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
void test_skip(const char *reason);

#define TEST(suite_, name_)                                                    \
    static void suite_##_##name_(void);                                        \
    __attribute__((constructor)) static void suite_##_##name_##_add(void)      \
    {                                                                          \
        static struct test_case t = {#suite_, #name_, suite_##_##name_, NULL}; \
        test_register(&t);                                                     \
    }                                                                          \
    static void suite_##_##name_(void)

#define TEST_FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(reason)                                                           \
    do {                                                                       \
        test_skip(reason);                                                     \
        return;                                                                \
    } while (0)

#else

#include <criterion/criterion.h>

#define TEST(suite_, name_) Test(suite_, name_)
#define TEST_FAIL(...) cr_assert_fail(__VA_ARGS__)
/* Criterion tells a skip to nobody who does not ask. */
#define SKIP(reason)                                                           \
    do {                                                                       \
        fprintf(stderr, "skip %s/%s: %s\n", criterion_current_test->category,  \
                criterion_current_test->name, (reason));                       \
        cr_skip_test("%s", (reason));                                          \
    } while (0)

#endif

#define EXPECT(cond)                                                           \
    do {                                                                       \
        if (!(cond))                                                           \
            TEST_FAIL("%s is false", #cond);                                   \
    } while (0)

#define EXPECT_MSG(cond, ...)                                                  \
    do {                                                                       \
        if (!(cond))                                                           \
            TEST_FAIL(__VA_ARGS__);                                            \
    } while (0)

/* Integers. */
#define EXPECT_EQ(a, b)                                                        \
    do {                                                                       \
        int64_t a_ = (int64_t)(a), b_ = (int64_t)(b);                          \
        if (a_ != b_)                                                          \
            TEST_FAIL("%s is %" PRId64 ", expected %s = %" PRId64, #a, a_, #b, \
                      b_);                                                     \
    } while (0)

#define EXPECT_STR(a, b)                                                       \
    do {                                                                       \
        const char *a_ = (a), *b_ = (b);                                       \
        if (!a_ || !b_ || strcmp(a_, b_) != 0)                                 \
            TEST_FAIL("%s is \"%s\", expected \"%s\"", #a, a_ ? a_ : "(null)", \
                      b_ ? b_ : "(null)");                                     \
    } while (0)

/* Run fn(arg) in a child process. True when the child was killed by `signal`
 * (0: exited with status 0) and its stderr contains `text` (NULL: anything).
 * What it wrote is shown when not. Under a sanitizer, which turns signals
 * into exits, any abnormal end counts for a non-zero `signal`. */
bool test_dies(void (*fn)(void *), void *arg, int signal, const char *text);

#endif
