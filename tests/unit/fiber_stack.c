/* A fiber's stack: its alignment, its use to the end and beyond, its use by
 * the next fiber, and what unwinders make of it. */
#define _GNU_SOURCE
#include "fiber_guest.h"

#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

static void note_stack(void *arg)
{
    struct guest *g = arg;
    char here;
    g->out = (int64_t)(uintptr_t)&here;
    go_home(g);
}

TEST(fiber_stack, runs_on_the_stack_it_was_given)
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

TEST(fiber_stack, stack_is_aligned_for_vectors)
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

TEST(fiber_stack, stack_of_an_unfinished_fiber_can_be_used_again)
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

TEST(fiber_stack, longjmp_may_be_used_within_one_stack)
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

TEST(fiber_stack, uses_its_stack_to_great_depth)
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

TEST(fiber_stack, overflow_hits_the_guard)
{
    mri_guard best = mri_guard_probe(), plain = MRI_GUARD_MPROTECT;
    if (best == MRI_GUARD_NONE)
        SKIP("no guards here");
    EXPECT(test_dies(overflow, &best, SIGSEGV, NULL));
    EXPECT(test_dies(overflow, &plain, SIGSEGV, NULL));
}

static void trace_back(void *arg)
{
    struct guest *g = arg;
    void *frame[64];
    g->out = backtrace(frame, 64);
    go_home(g);
}

TEST(fiber_stack, unwinding_ends_at_its_entry)
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
