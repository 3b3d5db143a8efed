/* What a switch between two fibers costs: through mri_fiber_switch; bare, a
 * function that swaps the six registers a call preserves and the stack pointer
 * and knows of nothing else; the same written into the loop, which saves the
 * call; the same where the compiler saves only what lives there, which nothing
 * that is called can do; through swapcontext (a system call); and what opening
 * and closing a fiber adds. */
#include "bench.h"
#include "os/fiber.h"
#include "os/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_SIZE ((size_t)65536)

static struct {
    mri_fiber home, guest;
    void *stack;
    ucontext_t home_context, guest_context;
} b;

static void bounce(void *arg)
{
    (void)arg;
    for (;;)
        mri_fiber_switch(&b.guest, &b.home);
}

static double fiber_switch(uint64_t n)
{
    mri_fiber_open(&b.guest, b.stack, STACK_SIZE, bounce, NULL);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 2)
        mri_fiber_switch(&b.home, &b.guest);
    int64_t end = bench_ran();
    mri_fiber_close(&b.guest);
    return (double)(end - start) / (double)n;
}

static double open_switch_close(uint64_t n)
{
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++) {
        mri_fiber_open(&b.guest, b.stack, STACK_SIZE, bounce, NULL);
        mri_fiber_switch(&b.home, &b.guest);
        mri_fiber_close(&b.guest);
    }
    return (double)(bench_ran() - start) / (double)n;
}

#if defined(__x86_64__)
/* Between the two halves, what a switch saves beside rbp and rbx. */
#define SWAP_IN_LINE(from, to, save, restore)                                  \
    do {                                                                       \
        void **from_ = (from), *to_ = (to);                                    \
        __asm__ volatile("pushq %%rbp\n\t"                                     \
                         "pushq %%rbx\n\t" save "leaq 1f(%%rip), %%rax\n\t"    \
                         "pushq %%rax\n\t"                                     \
                         "movq %%rsp, (%%rdi)\n\t"                             \
                         "movq %%rsi, %%rsp\n\t"                               \
                         "popq %%rax\n\t"                                      \
                         "jmpq *%%rax\n"                                       \
                         "1:\t" restore "popq %%rbx\n\t"                       \
                         "popq %%rbp"                                          \
                         : "+D"(from_), "+S"(to_)                              \
                         :                                                     \
                         : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11",      \
                           "r12", "r13", "r14", "r15", "memory", "cc");        \
    } while (0)

#define SAVE_FOUR                                                              \
    "pushq %%r12\n\t"                                                          \
    "pushq %%r13\n\t"                                                          \
    "pushq %%r14\n\t"                                                          \
    "pushq %%r15\n\t"
#define RESTORE_FOUR                                                           \
    "popq %%r15\n\t"                                                           \
    "popq %%r14\n\t"                                                           \
    "popq %%r13\n\t"                                                           \
    "popq %%r12\n\t"

void bench_swap(void **from, void *to);
__asm__(".text\n\t"
        ".type bench_swap, @function\n"
        "bench_swap:\n\t"
        "pushq %rbp\n\t"
        "pushq %rbx\n\t"
        "pushq %r12\n\t"
        "pushq %r13\n\t"
        "pushq %r14\n\t"
        "pushq %r15\n\t"
        "movq %rsp, (%rdi)\n\t"
        "movq %rsi, %rsp\n\t"
        "popq %r15\n\t"
        "popq %r14\n\t"
        "popq %r13\n\t"
        "popq %r12\n\t"
        "popq %rbx\n\t"
        "popq %rbp\n\t"
        "popq %rcx\n\t"
        "jmpq *%rcx\n\t"
        ".size bench_swap, .-bench_swap");

static void *home_sp, *guest_sp;

static void guest_at(void (*start)(void))
{
    void **top = (void **)((char *)b.stack + STACK_SIZE - 64);
    top[0] = (void *)start;
    guest_sp = top;
}

static void bounce_called(void)
{
    for (;;)
        bench_swap(&guest_sp, home_sp);
}

static double switch_called(uint64_t n)
{
    guest_at(bounce_called);
    /* The six registers that the first switch loads. */
    guest_sp = (void **)guest_sp - 6;
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 2)
        bench_swap(&home_sp, guest_sp);
    return (double)(bench_ran() - start) / (double)n;
}

static void bounce_bare(void)
{
    for (;;)
        SWAP_IN_LINE(&guest_sp, home_sp, SAVE_FOUR, RESTORE_FOUR);
}

static double switch_bare(uint64_t n)
{
    guest_at(bounce_bare);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 2)
        SWAP_IN_LINE(&home_sp, guest_sp, SAVE_FOUR, RESTORE_FOUR);
    return (double)(bench_ran() - start) / (double)n;
}

static void bounce_least(void)
{
    for (;;)
        SWAP_IN_LINE(&guest_sp, home_sp, "", "");
}

static double switch_least(uint64_t n)
{
    guest_at(bounce_least);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 2)
        SWAP_IN_LINE(&home_sp, guest_sp, "", "");
    return (double)(bench_ran() - start) / (double)n;
}
#else
static double switch_called(uint64_t n)
{
    (void)n;
    return -1;
}

static double switch_bare(uint64_t n)
{
    (void)n;
    return -1;
}

static double switch_least(uint64_t n)
{
    (void)n;
    return -1;
}
#endif

static void bounce_context(void)
{
    for (;;)
        swapcontext(&b.guest_context, &b.home_context);
}

static double context_switch(uint64_t n)
{
    getcontext(&b.guest_context);
    b.guest_context.uc_stack.ss_sp = b.stack;
    b.guest_context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&b.guest_context, bounce_context, 0);
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i += 2)
        swapcontext(&b.home_context, &b.guest_context);
    return (double)(bench_ran() - start) / (double)n;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"mri_fiber_switch", 1000000, fiber_switch},
        {"bare swap, called", 1000000, switch_called},
        {"bare swap in line", 1000000, switch_bare},
        {"bare swap in line of two registers", 1000000, switch_least},
        {"swapcontext", 40000, context_switch},
        {"fiber opened, entered, left, closed", 200000, open_switch_close},
    };
    if (mri_pages_map(&b.stack, STACK_SIZE) < 0) {
        fprintf(stderr, "os_switch: no memory for a stack\n");
        return EXIT_FAILURE;
    }
    mri_fiber_of_thread(&b.home);
    return bench_main(argc, argv, "os_switch", cases, MRI_ARRAY_LEN(cases));
}
