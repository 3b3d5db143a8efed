#define FJ_DETACHED
#define FJ_WORKLOAD "submit"
#include "tbb_main.hh"

#include <atomic>
#include <thread>

/* The arena that work() is called in has the caller's seat as one of its
 * own; an outsider enqueues into one that has only workers. Looked at now and
 * then rather than woken: the last task must not have to know it. */
static int64_t work(int64_t size)
{
    static std::atomic<int64_t> ran;
    static tbb::task_arena arena(fj_workers(), 0);
    ran.store(0);
    for (int64_t i = 0; i < size; i++)
        arena.enqueue([] { ran.fetch_add(1, std::memory_order_relaxed); });
    while (ran.load() < size)
        std::this_thread::yield();
    return ran.load();
}
