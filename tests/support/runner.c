/* The plain runner: all tests of a program in one process, in order. */
#include "test.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

static struct test_case *first, **last = &first;
static jmp_buf failed;
static pthread_t main_thread;
static const struct test_case *current;
static bool skipped;

void test_register(struct test_case *t)
{
    *last = t;
    last = &t->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    if (!pthread_equal(pthread_self(), main_thread))
        abort();
    longjmp(failed, 1);
}

void test_skip(const char *reason)
{
    skipped = true;
    printf("skip %s/%s: %s\n", current->suite, current->name, reason);
}

static bool passes(const struct test_case *t)
{
    if (setjmp(failed) != 0)
        return false;
    t->run();
    return true;
}

/* With an argument, only tests whose "suite/name" contains it. */
int main(int argc, char **argv)
{
    int passed = 0, broken = 0, left_out = 0;
    main_thread = pthread_self();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test_case *t = first; t; t = t->next) {
        char full[256];
        snprintf(full, sizeof full, "%s/%s", t->suite, t->name);
        if (argc > 1 && !strstr(full, argv[1]))
            continue;
        skipped = false;
        current = t;
        bool ok = passes(t);
        if (!ok || !skipped)
            printf("%s %s\n", ok ? "ok  " : "FAIL", full);
        *(!ok ? &broken : skipped ? &left_out : &passed) += 1;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, broken, left_out);
    return broken || passed + left_out == 0 ? 1 : 0;
}
