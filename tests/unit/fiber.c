/* Leaving and entering: what survives a switch, who may switch where. */
#include "fiber_guest.h"
#include "slow.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>

TEST(fiber, runs_its_entry_and_comes_back_each_time)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, count_up);
    EXPECT_EQ(g.out, 0);
    int64_t expected = 0;
    for (g.in = 1; g.in <= 1000; g.in++) {
        mri_fiber_switch(&home, &g.fiber);
        expected += g.in;
        EXPECT_EQ(g.out, expected);
    }
    guest_close(&g);
    mri_fiber_close(&home);
}

TEST(fiber, says_its_kind)
{
#if defined(MRI_UCONTEXT)
    EXPECT_STR(mri_fiber_kind(), "ucontext");
#elif defined(__x86_64__)
    EXPECT_STR(mri_fiber_kind(), "x86-64");
#elif defined(__aarch64__)
    EXPECT_STR(mri_fiber_kind(), "aarch64");
#else
    EXPECT_STR(mri_fiber_kind(), "ucontext");
#endif
}

#if defined(__x86_64__) || defined(__aarch64__)
unsigned registers_survive(mri_fiber *from, mri_fiber *to, uint64_t seed);
void switch_called(mri_fiber *from, mri_fiber *to); /* by the assembly */

void switch_called(mri_fiber *from, mri_fiber *to)
{
    mri_fiber_switch(from, to);
}

static void disturb_registers(void *arg)
{
    struct guest *g = arg;
    for (uint64_t seed = UINT64_C(0xfeed) << 40;; seed += 977)
        g->out |= registers_survive(&g->fiber, g->home, seed);
}

TEST(fiber, every_callee_saved_register_survives_a_switch)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, disturb_registers);
    for (uint64_t seed = 1000; seed < 1000 + 1000 * 1013; seed += 1013)
        EXPECT_EQ(registers_survive(&home, &g.fiber, seed), 0);
    EXPECT_EQ(g.out, 0);
    guest_close(&g);
}
#endif

/* Kept in floating-point registers across the switches, where there are any
 * that a call preserves. */
static double series(struct guest *g, double ratio, int terms)
{
    double sum = 0, term = 1;
    for (int i = 0; i < terms; i++) {
        sum += term;
        term *= ratio;
        if (g)
            go_home(g);
    }
    return sum;
}

static void sum_series(void *arg)
{
    struct guest *g = arg;
    double sum = series(g, 1.0 / (double)g->in, 50);
    memcpy(&g->out, &sum, sizeof sum);
    for (;;)
        go_home(g);
}

TEST(fiber, floating_point_work_is_not_disturbed_by_switches)
{
    mri_fiber home;
    struct guest g[8];
    mri_fiber_of_thread(&home);
    for (int i = 0; i < 8; i++) {
        guest_open(&g[i], &home, sum_series);
        g[i].in = i + 2;
    }
    for (int turn = 0; turn <= 50; turn++)
        for (int i = 0; i < 8; i++)
            mri_fiber_switch(&home, &g[i].fiber);
    for (int i = 0; i < 8; i++) {
        double sum;
        memcpy(&sum, &g[i].out, sizeof sum);
        EXPECT(sum == series(NULL, 1.0 / (double)g[i].in, 50));
        guest_close(&g[i]);
    }
}

static void round_up(void *arg)
{
    struct guest *g = arg;
    g->in = fesetround(FE_UPWARD);
    go_home(g);
    g->out = fegetround();
    go_home(g);
}

TEST(fiber, rounding_mode_belongs_to_the_thread)
{
    mri_fiber home;
    struct guest g;
    if (strcmp(mri_fiber_kind(), "ucontext") == 0)
        SKIP("ucontext keeps a rounding mode per context");
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, round_up);
    mri_fiber_switch(&home, &g.fiber);
    int seen = fegetround();
    fesetround(FE_DOWNWARD);
    mri_fiber_switch(&home, &g.fiber);
    fesetround(FE_TONEAREST);
    EXPECT_EQ(g.in, 0);
    EXPECT_EQ(seen, FE_UPWARD);
    EXPECT_EQ(g.out, FE_DOWNWARD);
    guest_close(&g);
}

/* A ring: each passes on to the next, the last to the test. */
static void pass_on(void *arg)
{
    struct guest *g = arg;
    for (;;) {
        g->out++;
        go_home(g);
    }
}

TEST(fiber, fibers_may_enter_each_other)
{
    enum { N = 16, TURNS = 100 };
    mri_fiber home;
    struct guest g[N];
    mri_fiber_of_thread(&home);
    for (int i = 0; i < N; i++)
        guest_open(&g[i], i + 1 < N ? &g[i + 1].fiber : &home, pass_on);
    for (int turn = 0; turn < TURNS; turn++)
        mri_fiber_switch(&home, &g[0].fiber);
    for (int i = 0; i < N; i++) {
        EXPECT_EQ(g[i].out, TURNS);
        guest_close(&g[i]);
    }
}

static MRI_NOINLINE int64_t count_below(struct guest *g, int depth)
{
    if (depth > 0)
        return count_below(g, depth - 1) + 1;
    g->out++;
    go_home(g);
    return 0;
}

/* Left for good some calls deep: whoever keeps books of calls (TSan) must
 * not put them on the thread's account. */
static void count_once(void *arg)
{
    struct guest *g = arg;
    g->out += count_below(g, 64);
}

/* Pages of address space. */
static int64_t mapped(void)
{
    long pages = -1;
    FILE *statm = fopen("/proc/self/statm", "r");
    EXPECT(statm && fscanf(statm, "%ld", &pages) == 1);
    fclose(statm);
    return pages;
}

TEST(fiber, a_hundred_thousand_are_opened_run_and_closed)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, count_once);
    mri_fiber_close(&g.fiber);
    int n = slow_scale(100000);
    int64_t before = mapped();
    for (int i = 0; i < n; i++) {
        mri_fiber_open(&g.fiber, g.stack, g.size, count_once, &g);
        mri_fiber_switch(&home, &g.fiber);
        mri_fiber_close(&g.fiber);
    }
    EXPECT_EQ(g.out, n);
    /* Nothing is kept of each, not even 10 KiB of a sanitizer's. */
    EXPECT((mapped() - before) * (int64_t)mri_page_size() / n < 10240 ||
           n < 10000);
    EXPECT_EQ(mri_pages_unmap(g.stack, g.size), 0);
}

TEST(fiber, thousands_are_alive_at_once)
{
    int n = slow_scale(10000);
    mri_fiber home;
    struct guest *g = calloc((size_t)n, sizeof *g);
    EXPECT(g);
    mri_fiber_of_thread(&home);
    for (int i = 0; i < n; i++) {
        guest_open(&g[i], &home, count_up);
        g[i].in = i;
    }
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < n; i++)
            mri_fiber_switch(&home, &g[i].fiber);
    for (int i = 0; i < n; i++) {
        EXPECT_EQ(g[i].out, 3 * i);
        guest_close(&g[i]);
    }
    free(g);
}

static void *enter_from_thread(void *arg)
{
    struct guest *g = arg;
    mri_fiber here;
    mri_fiber_of_thread(&here);
    g->home = &here;
    mri_fiber_switch(&here, &g->fiber);
    mri_fiber_close(&here);
    return NULL;
}

static void enter_on_new_thread(struct guest *g)
{
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, enter_from_thread, g), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
}

/* The value of a thread's own word, never kept across a switch. */
static MRI_NOINLINE uintptr_t thread_word(void)
{
    static _Thread_local char word;
    uintptr_t at = (uintptr_t)&word;
    __asm__ volatile("" : "+r"(at));
    return at;
}

static void note_threads(void *arg)
{
    struct guest *g = arg;
    uintptr_t last = 0;
    for (;;) {
        uintptr_t now = thread_word();
        g->out += now != last;
        last = now;
        go_home(g);
    }
}

TEST(fiber, begun_on_one_thread_goes_on_on_another)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, note_threads);
    for (int i = 1; i <= 100; i++) {
        enter_on_new_thread(&g);
        EXPECT_EQ(g.out, 2 * i - 1);
        g.home = &home;
        mri_fiber_switch(&home, &g.fiber);
        EXPECT_EQ(g.out, 2 * i);
    }
    guest_close(&g);
}

static void return_at_once(void *arg)
{
    (void)arg;
}

static void enter_returning(void *arg)
{
    mri_fiber home, fiber;
    (void)arg;
    void *stack;
    if (mri_pages_map(&stack, STACK_SIZE) < 0)
        _Exit(0);
    mri_fiber_of_thread(&home);
    mri_fiber_open(&fiber, stack, STACK_SIZE, return_at_once, NULL);
    mri_fiber_switch(&home, &fiber);
}

TEST(fiber, entry_that_returns_stops_the_program_by_name)
{
    EXPECT(test_dies(enter_returning, NULL, SIGABRT,
                     "millrace: a fiber's entry function never returns"));
}
