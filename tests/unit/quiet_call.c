/* What a quiet call promises its caller. */
#include "parts/strand_deque.h"
#include "test.h"

#include <string.h>

enum { SLOTS = 4 };

static mri_deque deque;
static mri_slot slots[SLOTS];

static MRI_SLOT_FN void child(mri_deque *d, mri_slot *head, mri_slot *slot)
{
    (void)d;
    (void)head;
    (void)slot;
}

/* One child that nobody has asked for yet. */
static mri_slot *open_with_one_child(void)
{
    mri_barrier barrier = {.membarrier = true};
    memset(slots, 0, sizeof slots);
    mri_deque_map(&deque, slots, SLOTS, &barrier);
    mri_deque_spawn(&deque, slots, child);
    mri_deque_hunger(&deque);
    return slots + 1;
}

TEST(quiet_call, runs_what_it_calls)
{
    mri_slot *head = open_with_one_child();
    MR_QUIET_CALL_(mri_deque_publish_slow, &deque, head);
    EXPECT(mri_deque_steal(&deque) == slots);
}

TEST(quiet_call, may_come_again_and_again)
{
    for (int i = 0; i < 1000; i++) {
        mri_slot *head = open_with_one_child();
        MR_QUIET_CALL_(mri_deque_publish_slow, &deque, head);
        EXPECT(mri_deque_steal(&deque) == slots);
    }
}

#if MR_QUIET_CALLS_
/* Registers that a call may change, the red zone, and rsp at any multiple of
 * 8, against what an entry by the stub leaves of them. */
static uint64_t after[6];
static uint64_t red_zone[16];

static void call_at(uint64_t misaligned, mri_slot *head)
{
    register uint64_t off __asm__("r12") = misaligned;
    __asm__ volatile(
        "subq $128, %%rsp\n\t"
        "pushq %%rbp\n\t"
        "movq %%rsp, %%rbp\n\t"
        "subq $512, %%rsp\n\t"
        "andq $-16, %%rsp\n\t"
        "subq %%r12, %%rsp\n\t"
        /* the red zone: its own offsets */
        "movl $-128, %%eax\n"
        "0:\tmovslq %%eax, %%rcx\n\t"
        "movq %%rcx, (%%rsp,%%rcx)\n\t"
        "addl $8, %%eax\n\t"
        "jnz 0b\n\t"
        "movq $2, %%rcx\n\t"
        "movq $3, %%rdx\n\t"
        "movq $4, %%r8\n\t"
        "movq $5, %%r9\n\t"
        "movq mri_deque_publish_slow@GOTPCREL(%%rip), %%r10\n\t"
        "leaq 1f(%%rip), %%r11\n\t"
        "jmp *mr_detail1_quiet@GOTPCREL(%%rip)\n"
        "1:\tmovq %%rbx, %%r11\n\t"
        "movq %%rcx, (%%r11)\n\t"
        "movq %%rdx, 8(%%r11)\n\t"
        "movq %%r8, 16(%%r11)\n\t"
        "movq %%r9, 24(%%r11)\n\t"
        "movq %%rdi, 32(%%r11)\n\t"
        "movq %%rsi, 40(%%r11)\n\t"
        "leaq %[zone], %%r10\n\t"
        "movq $-128, %%rcx\n"
        "2:\tmovq (%%rsp,%%rcx), %%rax\n\t"
        "movq %%rax, 128(%%r10,%%rcx)\n\t"
        "addq $8, %%rcx\n\t"
        "jnz 2b\n\t"
        "movq %%rbp, %%rsp\n\t"
        "popq %%rbp\n\t"
        "addq $128, %%rsp"
        :
        : "D"(&deque), "S"(head), "b"(after), "r"(off), [zone] "m"(red_zone)
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0",
          "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

TEST(quiet_call, leaves_registers_and_red_zone_as_they_were)
{
    for (uint64_t misaligned = 0; misaligned < 16; misaligned += 8) {
        mri_slot *head = open_with_one_child();
        memset(after, 0, sizeof after);
        memset(red_zone, 0, sizeof red_zone);
        call_at(misaligned, head);
        EXPECT(mri_deque_steal(&deque) == slots);
        for (uint64_t i = 0; i < 4; i++)
            EXPECT_EQ(after[i], i + 2);
        EXPECT_EQ(after[4], (uintptr_t)&deque);
        EXPECT_EQ(after[5], (uintptr_t)head);
        for (int i = 0; i < 16; i++)
            EXPECT_EQ((int64_t)red_zone[i], -128 + 8 * i);
    }
}
#endif
