#include "filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
/* Go on where the loaded word is `value`, else skip `n`. */
#define UNLESS(value, n)                                                       \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (n))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(value))

bool filter_deny(int number, int advice, int error)
{
    struct sock_filter any[] = {
        LOAD(offsetof(struct seccomp_data, nr)),
        UNLESS(number, 1),
        ANSWER(SECCOMP_RET_ERRNO | (uint32_t)error),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    /* The low half of the argument: both machines are little-endian. */
    struct sock_filter one[] = {
        LOAD(offsetof(struct seccomp_data, nr)),      UNLESS(number, 3),
        LOAD(offsetof(struct seccomp_data, args[2])), UNLESS(advice, 1),
        ANSWER(SECCOMP_RET_ERRNO | (uint32_t)error),  ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = advice < 0 ? sizeof any / sizeof *any : sizeof one / sizeof *one,
        .filter = advice < 0 ? any : one,
    };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
