/* What runs on a fiber never EXPECTs: a failed one would have to leave from a
 * stack that is not the test's. It notes what it saw, the test looks later. */
#define _GNU_SOURCE
#include "os/fiber.h"

#include "os/pages.h"
#include "slow.h"
#include "test.h"

#include <execinfo.h>
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#define STACK_SIZE ((size_t)65536)

/* A fiber, its stack, who it goes back to, and what it notes. */
struct guest {
    mri_fiber fiber, *home;
    void *stack;
    size_t size;
    int64_t in, out;
};

static void guest_open(struct guest *g, mri_fiber *home, mri_fiber_entry entry)
{
    *g = (struct guest){.home = home, .size = STACK_SIZE};
    EXPECT_EQ(mri_pages_map(&g->stack, g->size), 0);
    mri_fiber_open(&g->fiber, g->stack, g->size, entry, g);
}

static void guest_close(struct guest *g)
{
    mri_fiber_close(&g->fiber);
    EXPECT_EQ(mri_pages_unmap(g->stack, g->size), 0);
}

static void go_home(struct guest *g)
{
    mri_fiber_switch(&g->fiber, g->home);
}

static void count_up(void *arg)
{
    struct guest *g = arg;
    for (;;) {
        g->out += g->in;
        go_home(g);
    }
}

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

static void note_stack(void *arg)
{
    struct guest *g = arg;
    char here;
    g->out = (int64_t)(uintptr_t)&here;
    go_home(g);
}

TEST(fiber, runs_on_the_stack_it_was_given)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, note_stack);
    mri_fiber_switch(&home, &g.fiber);
    /* Under ASan with a fake stack a local lies elsewhere. */
    if (!getenv("TEST_FAKE_STACK")) {
        EXPECT((uintptr_t)g.out >= (uintptr_t)g.stack);
        EXPECT((uintptr_t)g.out < (uintptr_t)g.stack + g.size);
    }
    guest_close(&g);
}

typedef float four_floats __attribute__((vector_size(16)));

/* Where the compiler would use an aligned store for `v`. */
static MRI_NOINLINE int64_t misalignment(four_floats *v)
{
    __asm__ volatile("" : : "r"(v) : "memory");
    return (int64_t)((uintptr_t)v % 16);
}

static MRI_NOINLINE double sum_of(int n, ...)
{
    va_list args;
    double sum = 0;
    va_start(args, n); /* spills vector registers with aligned stores */
    while (n-- > 0)
        sum += va_arg(args, double);
    va_end(args);
    return sum;
}

static void use_alignment(void *arg)
{
    struct guest *g = arg;
    four_floats v = {1, 2, 3, 4};
    char text[64];
    g->out = misalignment(&v);
    snprintf(text, sizeof text, "%.1f %.1f", sum_of(3, 1.0, 2.0, 4.0),
             (double)v[3]);
    g->in = strcmp(text, "7.0 4.0");
    go_home(g);
}

TEST(fiber, stack_is_aligned_for_vectors)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, use_alignment);
    g.in = 1;
    mri_fiber_switch(&home, &g.fiber);
    EXPECT_EQ(g.out, 0);
    EXPECT_EQ(g.in, 0);
    guest_close(&g);
}

#if defined(__x86_64__) || defined(__aarch64__)
unsigned registers_survive(mri_fiber *from, mri_fiber *to, uint64_t seed);

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

/* Leaves frames with arrays unfinished, which ASan poisons around. */
static MRI_NOINLINE int64_t fill_and_leave(struct guest *g)
{
    volatile char text[100];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    go_home(g);
    return text[50];
}

static void abandon_frames(void *arg)
{
    struct guest *g = arg;
    g->out = fill_and_leave(g);
    go_home(g);
}

TEST(fiber, stack_of_an_unfinished_fiber_can_be_used_again)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, abandon_frames);
    mri_fiber_switch(&home, &g.fiber);
    mri_fiber_close(&g.fiber);
    memset(g.stack, 0x5a, g.size);
    mri_fiber_open(&g.fiber, g.stack, g.size, count_up, &g);
    g.in = 7, g.out = 0;
    mri_fiber_switch(&home, &g.fiber);
    EXPECT_EQ(g.out, 7);
    guest_close(&g);
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
    g->out += count_below(g, 16);
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

/* ASan clears the poison of frames that a longjmp leaves, between the bounds
 * it has for the current stack. */
static MRI_NOINLINE void jump_out(jmp_buf *back)
{
    volatile char text[3][100];
    for (int i = 0; i < 300; i++)
        text[i / 100][i % 100] = (char)i;
    longjmp(*back, text[1][1] ? 1 : 2);
}

static MRI_NOINLINE int64_t fill_much(void)
{
    volatile char much[2000];
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i % 7);
    for (size_t i = 0; i < sizeof much; i++)
        sum += much[i];
    return sum;
}

static int64_t jump_and_fill(void)
{
    jmp_buf back;
    if (setjmp(back) == 0)
        jump_out(&back);
    return fill_much();
}

static void jump_inside(void *arg)
{
    struct guest *g = arg;
    g->out = jump_and_fill();
    go_home(g);
}

TEST(fiber, longjmp_may_be_used_within_one_stack)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, jump_inside);
    mri_fiber_switch(&home, &g.fiber);
    EXPECT_EQ(g.out, fill_much());
    EXPECT_EQ(jump_and_fill(), g.out);
    guest_close(&g);
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

static int64_t sink;

static MRI_NOINLINE int64_t dig(int64_t depth)
{
    volatile char room[128];
    room[depth % 128] = (char)depth;
    if (depth == 0)
        return 0;
    return dig(depth - 1) + (room[depth % 128] == (char)depth);
}

static void dig_deep(void *arg)
{
    struct guest *g = arg;
    g->out = dig(g->in);
    go_home(g);
}

TEST(fiber, uses_its_stack_to_great_depth)
{
    mri_fiber home;
    struct guest g = {.home = &home, .size = 8 << 20, .in = 10000};
    mri_fiber_of_thread(&home);
    EXPECT_EQ(mri_pages_map(&g.stack, g.size), 0);
    mri_fiber_open(&g.fiber, g.stack, g.size, dig_deep, &g);
    mri_fiber_switch(&home, &g.fiber);
    EXPECT_EQ(g.out, g.in);
    guest_close(&g);
}

static void dig_for_ever(void *arg)
{
    (void)arg;
    sink = dig(INT64_MAX);
    abort();
}

static void overflow(void *arg)
{
    mri_guard kind = *(mri_guard *)arg;
    mri_fiber home, fiber;
    void *stack;
    size_t page = mri_page_size();
    if (mri_pages_map(&stack, STACK_SIZE) < 0 ||
        mri_pages_guard(stack, page, kind) < 0)
        abort();
    mri_fiber_of_thread(&home);
    mri_fiber_open(&fiber, (char *)stack + page, STACK_SIZE - page,
                   dig_for_ever, NULL);
    mri_fiber_switch(&home, &fiber);
}

TEST(fiber, overflow_hits_the_guard)
{
    mri_guard best = mri_guard_probe(), plain = MRI_GUARD_MPROTECT;
    if (best == MRI_GUARD_NONE)
        SKIP("no guards here");
    EXPECT(test_dies(overflow, &best, SIGSEGV, NULL));
    EXPECT(test_dies(overflow, &plain, SIGSEGV, NULL));
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

static void trace_back(void *arg)
{
    struct guest *g = arg;
    void *frame[64];
    g->out = backtrace(frame, 64);
    go_home(g);
}

TEST(fiber, unwinding_ends_at_its_entry)
{
    mri_fiber home;
    struct guest g;
    mri_fiber_of_thread(&home);
    guest_open(&g, &home, trace_back);
    mri_fiber_switch(&home, &g.fiber);
    EXPECT(g.out >= 2); /* trace_back, what called it, and not much more */
    EXPECT(g.out <= 6);
    guest_close(&g);
}
