/* exit() while a runtime is at work, whoever calls it: the program ends with
 * its status after its own atexit functions; it neither hangs nor crashes. */
#include <millrace.h>

#include "resolver.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- What goes on ------------------------------------------------------- */

static int begun; /* on threads that are no workers */

static void begins(void)
{
    __atomic_fetch_add(&begun, 1, __ATOMIC_RELEASE);
}

static int64_t yields(void *arg)
{
    while (!arg)
        mr_yield();
    return 0;
}

static int64_t ticks(void *arg)
{
    mr_interval interval;
    (void)arg;
    EXPECT_EQ(mr_interval_open(&interval, 100 * MR_US), 0);
    while (mr_interval_wait(&interval) > 0)
        continue;
    return 0;
}

static int64_t echoes(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char byte;
    while (mr_read(stream, &byte, 1) == 1)
        EXPECT_EQ(mr_write(stream, &byte, 1), 1);
    return mr_close(stream);
}

static int64_t talks(void *arg)
{
    mr_handle end[2];
    (void)arg;
    stream_pair(STREAM_UNIX, end);
    EXPECT_EQ(mr_submit(mr_self(), echoes, &end[0], sizeof end[0]), 0);
    EXPECT_EQ(mr_write(end[1], "!", 1), 1);
    return echoes(&end[1]);
}

static int64_t waits_for_nobody(void *arg)
{
    mr_address at;
    (void)arg;
    return mr_accept(listen_on_loopback(&at, 0));
}

static int64_t hangs(void *arg)
{
    begins();
    while (!arg)
        pause();
    return 0;
}

static int64_t blocks(void *arg)
{
    return mr_blocking(hangs, arg);
}

static void never_answers(struct uv_loop_s *loop, mr_loop_reply *reply,
                          void *arg)
{
    (void)loop;
    (void)reply;
    (void)arg;
    begins();
}

static int64_t calls(void *arg)
{
    return mr_loop_call(never_answers, NULL, arg);
}

/* All of it. */
static mr_runtime *begin_all(void)
{
    static const mr_fn fn[] = {yields, yields, ticks,           talks,
                               blocks, calls,  waits_for_nobody};
    mr_config config = {.size = sizeof config, .workers = 2};
    mr_runtime *rt;
    if (mr_start(&rt, &config) < 0 || mr_dump_on(rt, SIGUSR1) < 0)
        abort();
    for (size_t i = 0; i < sizeof fn / sizeof *fn; i++)
        if (mr_submit(rt, fn[i], NULL, 0) < 0)
            abort();
    while (__atomic_load_n(&begun, __ATOMIC_ACQUIRE) < 2)
        usleep(1000);
    return rt;
}

static int64_t asks(void *arg)
{
    mr_address a;
    (void)arg;
    return mr_resolve("hangs.test", "80", 0, &a, 1);
}

static void *answers_soon(void *arg)
{
    usleep(300000);
    resolver_let_go();
    return arg;
}

/* And a name is being looked up, which libuv waits for. */
static void ask_as_well(mr_runtime *rt)
{
    pthread_t thread;
    resolver_hold();
    if (mr_submit(rt, asks, NULL, 0) < 0)
        abort();
    while (resolver_hanging() == 0)
        usleep(1000);
    if (pthread_create(&thread, NULL, answers_soon, NULL) != 0)
        abort();
}

/* ---- Who ends it -------------------------------------------------------- */

enum { STATUS = 7 };

static int told[2];

static void tells(void)
{
    (void)!write(told[1], "!", 1);
}

static int64_t ends_it(void *arg)
{
    (void)arg;
    exit(STATUS);
}

static int64_t ends_it_in_a_thread(void *arg)
{
    return mr_blocking(ends_it, arg);
}

static void ends_it_on_the_loop(struct uv_loop_s *loop, mr_loop_reply *reply,
                                void *arg)
{
    (void)loop;
    (void)reply;
    ends_it(arg);
}

static int64_t ends_it_by_the_loop(void *arg)
{
    return mr_loop_call(ends_it_on_the_loop, NULL, arg);
}

/* NULL: the program's own thread, which asks for a name before or not. */
static void end_by(mr_fn fn, bool asks_first)
{
    char byte;
    int status;
    EXPECT_EQ(pipe(told), 0);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        alarm(20);
        atexit(tells);
        mr_runtime *rt = begin_all();
        if (asks_first)
            ask_as_well(rt);
        if (!fn)
            exit(STATUS);
        (void)mr_run(rt, fn, NULL);
        abort();
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_MSG(WIFEXITED(status) && WEXITSTATUS(status) == STATUS,
               "it ended with %d", status);
    close(told[1]);
    EXPECT_EQ(read(told[0], &byte, 1), 1);
    close(told[0]);
}

static void end_often_by(mr_fn fn)
{
    if (slow_is_sanitized())
        SKIP("sanitizers object to an exit in the midst of work");
    for (int i = 0; i < 10; i++)
        end_by(fn, false);
}

TEST(exit, by_the_programs_thread_while_all_goes_on)
{
    end_often_by(NULL);
}

TEST(exit, by_the_programs_thread_while_a_name_is_looked_up)
{
    if (slow_is_sanitized())
        SKIP("sanitizers object to an exit in the midst of work");
    end_by(NULL, true);
}

TEST(exit, by_a_task)
{
    end_often_by(ends_it);
}

TEST(exit, by_a_call_that_blocks)
{
    end_often_by(ends_it_in_a_thread);
}

TEST(exit, by_a_function_on_the_loop)
{
    end_often_by(ends_it_by_the_loop);
}
