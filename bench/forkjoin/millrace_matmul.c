#define FJ_WORKLOAD "matmul"
#include "millrace_main.h"

static int64_t stride;

struct block {
    float *c;
    const float *a, *b;
    int64_t n;
};

/* The result says nothing: tasks return something. */
MR_FORKABLE(int64_t, multiply, struct block, m)
{
    if (m.n == MATMUL_LEAF) {
        matmul_leaf(m.c, m.a, m.b, stride);
        return 0;
    }
    int64_t half = m.n / 2, down = half * stride;
    for (int k = 0; k < 2; k++, m.a += half, m.b += down) {
        MR_CHILDREN(multiply, part, 3);
        MR_SPAWN_AT(multiply, part, 0, (struct block){m.c, m.a, m.b, half});
        MR_SPAWN_AT(multiply, part, 1,
                    (struct block){m.c + half, m.a, m.b + half, half});
        MR_SPAWN_AT(multiply, part, 2,
                    (struct block){m.c + down, m.a + down, m.b, half});
        MR_CALL(multiply, (struct block){m.c + down + half, m.a + down,
                                         m.b + half, half});
        for (int i = 3; i-- > 0;)
            MR_AWAIT_AT(multiply, part, i);
    }
    return 0;
}

static int64_t work(int64_t size)
{
    stride = size;
    multiply(
        (struct block){matmul_input.c, matmul_input.a, matmul_input.b, size});
    return size;
}
