/* A call that may block, from a task and back: by mr_blocking, and by libuv's
 * uv_queue_work on the runtime's loop, to which mr_loop_call brings it. The
 * call does nothing. One task, which waits each time, or 16; two workers.
 * io/path.h says what was decided by this.
 *
 * Of each case the first line is the time that goes by for each call, the
 * second processor time of all threads of the process. */
#define _GNU_SOURCE
#include <millrace.h>

#include "bench.h"

#include <stdlib.h>
#include <time.h>
#include <uv.h>

enum { MANY = 16 };

static void must(int64_t rc)
{
    if (rc < 0)
        abort();
}

static int64_t processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- The two ways ------------------------------------------------------- */

static int64_t does_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void by_blocking(void)
{
    must(mr_blocking(does_nothing, NULL));
}

static void works(uv_work_t *work)
{
    (void)work;
}

static void tells(uv_work_t *work, int status)
{
    mr_loop_answer(work->data, status);
}

static void queues(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    uv_work_t *work = arg;
    work->data = reply;
    if (uv_queue_work(loop, work, works, tells) < 0)
        mr_loop_answer(reply, -1);
}

static void by_loop(void)
{
    uv_work_t work;
    must(mr_loop_call(queues, NULL, &work));
}

/* ---- What is measured --------------------------------------------------- */

struct work {
    void (*way)(void);
    uint64_t n; /* by each task */
    int tasks;
};

static int64_t calls(void *arg)
{
    const struct work *w = arg;
    for (uint64_t i = 0; i < w->n; i++)
        w->way();
    return 0;
}

static int64_t all(void *arg)
{
    const struct work *w = arg;
    mr_task task[MANY];
    for (int i = 0; i < w->tasks; i++)
        mr_spawn(&task[i], calls, arg);
    for (int i = w->tasks; i-- > 0;)
        must(mr_await(&task[i]));
    return 0;
}

static double cpu;

static double last_cpu(uint64_t n)
{
    (void)n;
    return cpu;
}

static double measure(void (*way)(void), int tasks, uint64_t n)
{
    mr_runtime *rt;
    mr_config config = {.size = sizeof config, .workers = 2};
    struct work some = {way, 64, tasks},
                work = {way, n / (uint64_t)tasks, tasks};
    must(mr_start(&rt, &config));
    must(mr_run(rt, all, &some)); /* the threads are there */
    int64_t begin = bench_now(), ran = processor();
    must(mr_run(rt, all, &work));
    cpu = (double)(processor() - ran) / (double)n;
    double each = (double)(bench_now() - begin) / (double)n;
    must(mr_stop(rt, MR_NEVER));
    return each;
}

static double blocking_one(uint64_t n)
{
    return measure(by_blocking, 1, n);
}

static double loop_one(uint64_t n)
{
    return measure(by_loop, 1, n);
}

static double blocking_many(uint64_t n)
{
    return measure(by_blocking, MANY, n);
}

static double loop_many(uint64_t n)
{
    return measure(by_loop, MANY, n);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"one task, mr_blocking", 2000, blocking_one},
        {"one task, mr_blocking, CPU", 1, last_cpu},
        {"one task, uv_queue_work", 2000, loop_one},
        {"one task, uv_queue_work, CPU", 1, last_cpu},
        {"16 tasks, mr_blocking", 16384, blocking_many},
        {"16 tasks, mr_blocking, CPU", 1, last_cpu},
        {"16 tasks, uv_queue_work", 16384, loop_many},
        {"16 tasks, uv_queue_work, CPU", 1, last_cpu},
    };
    return bench_main(argc, argv, "calls that may block, there and back", cases,
                      sizeof cases / sizeof cases[0]);
}
