/* millrace/runtime.h: starting, running, submitting, stopping. */
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static mr_config with_workers(unsigned workers)
{
    return (mr_config){.size = sizeof(mr_config), .workers = workers};
}

static mr_runtime *start(unsigned workers)
{
    mr_config config = with_workers(workers);
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static int64_t echo(void *arg)
{
    return *(int64_t *)arg;
}

TEST(runtime, main_returns_what_the_root_returns)
{
    int64_t values[] = {0, 1, INT64_MAX, -1, MR_ENOMEM};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        EXPECT_EQ(mr_main(NULL, echo, &values[i]), values[i]);
}

TEST(runtime, run_blocks_until_the_task_is_done)
{
    mr_runtime *rt = start(2);
    for (int64_t i = 0; i < 1000; i++)
        EXPECT_EQ(mr_run(rt, echo, &i), i);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(runtime, default_is_a_worker_per_usable_cpu)
{
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ((int)mr_workers(rt), mr_usable_cpus());
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(runtime, workers_may_be_many_times_the_cpus)
{
    mr_runtime *rt = start(64);
    int64_t seven = 7;
    EXPECT_EQ(mr_workers(rt), 64);
    EXPECT_EQ(mr_run(rt, echo, &seven), 7);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(runtime, workers_may_be_pinned)
{
    mr_config config = with_workers(3);
    config.pin = 1;
    int64_t seven = 7;
    EXPECT_EQ(mr_main(&config, echo, &seven), 7);
}

TEST(runtime, start_and_stop_leave_nothing_to_hinder_the_next)
{
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(mr_stop(start(1 + (unsigned)i % 4), MR_NEVER), 0);
}

/* ---- Configuration ------------------------------------------------------ */

static void refused(mr_config config)
{
    mr_runtime *rt = (mr_runtime *)1;
    EXPECT_EQ(mr_start(&rt, &config), MR_EINVAL);
    EXPECT(rt == NULL);
}

static void *some_memory(void *context, size_t size, size_t align)
{
    (void)context;
    (void)size;
    (void)align;
    return NULL;
}

TEST(runtime, impossible_configurations_are_refused)
{
    mr_config c = with_workers(2);
    c.size = 0;
    refused(c);
    c.size = sizeof c + 1;
    refused(c);
    refused(with_workers(1025));
    c = with_workers(1);
    c.stack_size = 100;
    refused(c);
    c = with_workers(1);
    c.leave_sigsegv = 2;
    refused(c);
    c = with_workers(1);
    c.allocate = some_memory;
    refused(c);
}

TEST(runtime, an_older_smaller_configuration_is_accepted)
{
    mr_config c = with_workers(2);
    int64_t seven = 7;
    c.size = offsetof(mr_config, stack_size);
    c.stack_size = 1; /* beyond what it has: not looked at */
    EXPECT_EQ(mr_main(&c, echo, &seven), 7);
}

struct ledger {
    int64_t blocks, bytes;
};

static void *entered(void *context, size_t size, size_t align)
{
    struct ledger *l = context;
    __atomic_fetch_add(&l->blocks, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&l->bytes, (int64_t)size, __ATOMIC_RELAXED);
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void struck_out(void *context, void *memory, size_t size)
{
    struct ledger *l = context;
    __atomic_fetch_sub(&l->blocks, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&l->bytes, (int64_t)size, __ATOMIC_RELAXED);
    free(memory);
}

TEST(runtime, allocates_through_the_hooks_and_gives_everything_back)
{
    struct ledger ledger = {0, 0};
    mr_config c = with_workers(2);
    c.allocate = entered;
    c.release = struck_out;
    c.context = &ledger;
    mr_runtime *rt;
    int64_t value = 1;
    EXPECT_EQ(mr_start(&rt, &c), 0);
    EXPECT(ledger.blocks > 0);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(mr_submit(rt, echo, &value, sizeof value), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(ledger.blocks, 0);
    EXPECT_EQ(ledger.bytes, 0);
}

/* ---- Submit ------------------------------------------------------------- */

static int64_t count;

static int64_t add(void *arg)
{
    __atomic_fetch_add(&count, *(int64_t *)arg, __ATOMIC_RELAXED);
    return 0;
}

TEST(runtime, stop_waits_for_what_was_submitted)
{
    mr_runtime *rt = start(2);
    count = 0;
    for (int64_t i = 0; i < 10000; i++)
        EXPECT_EQ(mr_submit(rt, add, &i, sizeof i), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(count, INT64_C(10000) * 9999 / 2);
}

struct big {
    unsigned char bytes[1000];
};

static int64_t sum_aligned(void *arg)
{
    const struct big *b = arg;
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof b->bytes; i++)
        sum += b->bytes[i];
    if ((uintptr_t)arg % 16 == 0)
        __atomic_fetch_add(&count, sum, __ATOMIC_RELAXED);
    return 0;
}

TEST(runtime, submit_copies_its_argument_aligned)
{
    mr_runtime *rt = start(1);
    struct big b;
    count = 0;
    for (int i = 0; i < 100; i++) {
        memset(b.bytes, i, sizeof b.bytes);
        EXPECT_EQ(mr_submit(rt, sum_aligned, &b, sizeof b), 0);
        memset(b.bytes, 255, sizeof b.bytes);
    }
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(count, INT64_C(1000) * 4950);
}

static int64_t is_count(void *arg)
{
    __atomic_fetch_add(&count, arg == (void *)&count, __ATOMIC_RELAXED);
    return 0;
}

TEST(runtime, submit_of_size_0_passes_the_pointer_itself)
{
    mr_runtime *rt = start(1);
    count = 0;
    EXPECT_EQ(mr_submit(rt, is_count, &count, 0), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(count, 1);
}

/* A chain of tasks, each submitting the next. */
static int64_t submit_next(void *arg)
{
    int64_t left = *(int64_t *)arg - 1;
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    return left > 0 ? mr_submit(mr_self(), submit_next, &left, sizeof left) : 0;
}

TEST(runtime, main_waits_for_work_that_submits_work)
{
    int64_t n = 1000;
    count = 0;
    EXPECT_EQ(mr_main(NULL, submit_next, &n), 0);
    EXPECT_EQ(count, 1000);
}

static void *submit_thousand(void *arg)
{
    int64_t one = 1;
    for (int i = 0; i < 1000; i++)
        if (mr_submit(arg, add, &one, sizeof one) != 0)
            abort();
    return NULL;
}

TEST(runtime, many_threads_submit_at_once)
{
    mr_runtime *rt = start(2);
    pthread_t thread[8];
    count = 0;
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(pthread_create(&thread[i], NULL, submit_thousand, rt), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(count, 8000);
}

/* ---- Wrong place -------------------------------------------------------- */

static int64_t calls_from_inside(void *arg)
{
    mr_runtime *rt = mr_self();
    int64_t one = 1;
    (void)arg;
    EXPECT_EQ(mr_run(rt, echo, &one), MR_EPERM);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), MR_EPERM);
    EXPECT_EQ(mr_main(NULL, echo, &one), MR_EPERM);
    return 0;
}

TEST(runtime, run_stop_and_main_inside_a_task_are_errors)
{
    EXPECT_EQ(mr_main(NULL, calls_from_inside, NULL), 0);
}

TEST(runtime, self_is_null_outside)
{
    EXPECT(mr_self() == NULL);
}

static int64_t run_other(void *arg)
{
    int64_t one = 1;
    return mr_submit(arg, add, &one, sizeof one);
}

TEST(runtime, a_task_may_submit_to_another_runtime)
{
    mr_runtime *a = start(2), *b = start(2);
    count = 0;
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(mr_run(a, run_other, b), 0);
    EXPECT_EQ(mr_stop(b, MR_NEVER), 0);
    EXPECT_EQ(count, 100);
    EXPECT_EQ(mr_stop(a, MR_NEVER), 0);
}

/* ---- Stop --------------------------------------------------------------- */

static int go_on;

static int64_t until_told(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE))
        mr_yield();
    return 0;
}

TEST(runtime, stop_that_times_out_frees_nothing_and_may_be_repeated)
{
    mr_runtime *rt = start(2);
    int64_t one = 1;
    go_on = 0;
    count = 0;
    EXPECT_EQ(mr_submit(rt, until_told, NULL, 0), 0);
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_submit(rt, add, &one, sizeof one), MR_ECANCELED);
    EXPECT_EQ(mr_run(rt, echo, &one), MR_ECANCELED);
    EXPECT_EQ(mr_stop(rt, mr_now()), MR_ETIMEDOUT);
    __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(count, 0);
}

TEST(runtime, child_of_fork_gets_errors)
{
    if (slow_is_emulated())
        SKIP("no threads in a child of fork in the emulator");
    mr_runtime *rt = start(2);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        int64_t one = 1;
        bool fine = mr_run(rt, echo, &one) == MR_EPERM &&
                    mr_submit(rt, echo, &one, sizeof one) == MR_EPERM &&
                    mr_stop(rt, MR_NEVER) == MR_EPERM;
        /* One of its own is fine, though not to ThreadSanitizer. */
        fine = fine && (slow_is_sanitized() || mr_main(NULL, echo, &one) == 1);
        _exit(fine ? 0 : 1);
    }
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* fork() within a task: the child has its stack, and no other thread. */
static int64_t forks(void *arg)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0)
        _exit(mr_submit(mr_self(), echo, arg, 8) != MR_EPERM ||
              mr_blocking(echo, arg) != MR_EPERM);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(runtime, child_of_a_task_that_forks_gets_errors)
{
    if (slow_is_emulated())
        SKIP("no threads in a child of fork in the emulator");
    int64_t one = 1;
    EXPECT_EQ(mr_main(NULL, forks, &one), 0);
}

static int64_t busy(void *arg)
{
    for (;;)
        if (arg)
            return 0;
        else
            mr_yield();
}

TEST(runtime, exit_while_tasks_run_neither_hangs_nor_crashes)
{
    if (slow_is_emulated())
        SKIP("no threads in a child of fork in the emulator");
    if (slow_is_sanitized())
        SKIP("sanitizers object to an exit in the midst of work");
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        mr_runtime *rt = start(4);
        for (int i = 0; i < 8; i++)
            mr_submit(rt, busy, NULL, 0);
        alarm(20);
        usleep(5000);
        exit(7);
    }
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
