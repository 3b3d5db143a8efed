#define FJ_DETACHED
#define FJ_WORKLOAD "resubmit"
#include "tbb_main.hh"

#include <atomic>
#include <thread>

static std::atomic<int64_t> ran;

static int64_t work(int64_t size)
{
    static tbb::task_arena arena(fj_workers(), 0);
    ran.store(0);
    arena.enqueue([size] {
        for (int64_t i = 0; i < size; i++)
            arena.enqueue([] { ran.fetch_add(1, std::memory_order_relaxed); });
    });
    while (ran.load() < size)
        std::this_thread::yield();
    return ran.load();
}
