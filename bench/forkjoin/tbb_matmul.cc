#define FJ_WORKLOAD "matmul"
#include "tbb_main.hh"

static int64_t stride;

static void multiply(float *c, const float *a, const float *b, int64_t n)
{
    if (n == MATMUL_LEAF) {
        matmul_leaf(c, a, b, stride);
        return;
    }
    int64_t half = n / 2, down = half * stride;
    for (int k = 0; k < 2; k++, a += half, b += down) {
        tbb::task_group quadrants;
        quadrants.run([=] { multiply(c, a, b, half); });
        quadrants.run([=] { multiply(c + half, a, b + half, half); });
        quadrants.run([=] { multiply(c + down, a + down, b, half); });
        multiply(c + down + half, a + down, b + half, half);
        quadrants.wait();
    }
}

static int64_t work(int64_t size)
{
    stride = size;
    multiply(matmul_input.c, matmul_input.a, matmul_input.b, size);
    return size;
}
