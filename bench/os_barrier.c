/* What the asymmetric fence costs on either side, beside the full fence that
 * both sides would need without it. A sibling is a thread of this process
 * that runs on another CPU: the heavy side has to interrupt it. */
#include "bench.h"
#include "os/barrier.h"

#include <pthread.h>

static struct {
    mri_barrier barrier, fallback;
    MRI_ALIGNED(64) mri_atomic_u32 word;
    MRI_ALIGNED(64) mri_atomic_u32 stop;
} b;

static double heavy_alone(uint64_t n)
{
    if (!b.barrier.membarrier)
        return -1;
    int64_t start = bench_ran();
    for (uint64_t i = 0; i < n; i++)
        mri_barrier_heavy(&b.barrier);
    return (double)(bench_ran() - start) / (double)n;
}

static void *run_beside(void *arg)
{
    while (!mri_load_relaxed(&b.stop))
        mri_pause();
    return arg;
}

static double heavy_with_sibling(uint64_t n)
{
    pthread_t sibling;
    mri_store_relaxed(&b.stop, 0);
    if (!b.barrier.membarrier ||
        pthread_create(&sibling, NULL, run_beside, NULL) != 0)
        return -1;
    double ns = heavy_alone(n);
    mri_store_relaxed(&b.stop, 1);
    pthread_join(sibling, NULL);
    return ns;
}

/* A store before and a load after, as where it is used. */
#define STORE_FENCE_LOAD(n, fence)                                             \
    int64_t start = bench_ran();                                               \
    for (uint64_t i = 0; i < (n); i++) {                                       \
        mri_store_relaxed(&b.word, (uint32_t)i);                               \
        fence;                                                                 \
        bench_keep(mri_load_relaxed(&b.stop));                                 \
    }                                                                          \
    return (double)(bench_ran() - start) / (double)(n)

static double light(uint64_t n)
{
    if (!b.barrier.membarrier)
        return -1;
    STORE_FENCE_LOAD(n, mri_barrier_light(&b.barrier));
}

static double light_in_fallback(uint64_t n)
{
    STORE_FENCE_LOAD(n, mri_barrier_light(&b.fallback));
}

static double full_fence(uint64_t n)
{
    STORE_FENCE_LOAD(n, mri_fence_seq_cst());
}

static double compiler_fence(uint64_t n)
{
    STORE_FENCE_LOAD(n, __atomic_thread_fence(__ATOMIC_SEQ_CST));
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"heavy, alone", 20000, heavy_alone},
        {"heavy, with a running sibling", 5000, heavy_with_sibling},
        {"light", 2000000, light},
        {"light, in the fallback", 500000, light_in_fallback},
        {"mri_fence_seq_cst", 500000, full_fence},
        {"__atomic_thread_fence(seq_cst)", 500000, compiler_fence},
    };
    mri_barrier_open(&b.barrier);
    b.fallback = (mri_barrier){.membarrier = false};
    return bench_main(argc, argv, "os_barrier", cases, MRI_ARRAY_LEN(cases));
}
