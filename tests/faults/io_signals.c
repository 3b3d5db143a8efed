/* A handled signal, without SA_RESTART, for every thread of the process every
 * millisecond: those of the program, libuv's and the library's. No call is cut
 * off by it, none says MR_EINTR, no wait ends early. */
#define _GNU_SOURCE
#include <millrace.h>

#include "streams.h"
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <uv.h>

static bool over;
static int64_t taken;

static void on_signal(int number)
{
    (void)number;
    __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
}

/* ---- Who sends them ----------------------------------------------------- */

static void signal_all(DIR *dir)
{
    struct dirent *entry;
    long self = syscall(SYS_gettid);
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        long thread = atol(entry->d_name);
        if (thread > 0 && thread != self)
            (void)syscall(SYS_tgkill, getpid(), thread, SIGUSR1);
    }
}

static void *pesters(void *arg)
{
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        signal_all(arg);
        usleep(1000);
    }
    return NULL;
}

static pthread_t begin_signals(DIR **threads)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t thread;
    *threads = opendir("/proc/self/task");
    EXPECT(*threads != NULL);
    EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    over = false;
    taken = 0;
    EXPECT_EQ(pthread_create(&thread, NULL, pesters, *threads), 0);
    return thread;
}

static void end_signals(pthread_t thread, DIR *threads)
{
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    closedir(threads);
    EXPECT(taken > 10);
}

/* ---- A transfer --------------------------------------------------------- */

enum { SIZE = 1 << 20 };

static char out[SIZE], in[3][SIZE];

static int64_t sends(void *arg)
{
    mr_handle h = *(mr_handle *)arg;
    for (size_t at = 0, n; at < SIZE; at += n) {
        n = SIZE - at < 4096 ? SIZE - at : 4096;
        EXPECT_EQ(mr_write(h, out + at, n), n);
        if (at % 65536 == 0)
            EXPECT_EQ(mr_sleep(MR_MS), 0);
    }
    return 0;
}

static int64_t over_stream(void *arg)
{
    enum stream_kind kind = *(enum stream_kind *)arg;
    mr_handle end[2];
    mr_task task;
    stream_pair(kind, end);
    mr_spawn(&task, sends, &end[1]);
    EXPECT_EQ(mr_read_all(end[0], in[kind], SIZE, NULL), SIZE);
    EXPECT(memcmp(in[kind], out, SIZE) == 0);
    EXPECT_EQ(mr_await(&task), 0);
    close_pair(end);
    return 0;
}

static int64_t over_file(void *arg)
{
    char buf[5000];
    mr_file_info info;
    (void)arg;
    mr_handle file = mr_file_temporary("/var/tmp");
    EXPECT(file >= 0);
    EXPECT_EQ(mr_file_write(file, out, SIZE, 0), SIZE);
    EXPECT_EQ(mr_file_sync_data(file), 0);
    for (int at = 0; at + 5000 < SIZE; at += 99999) {
        EXPECT_EQ(mr_file_read(file, buf, sizeof buf, at), sizeof buf);
        EXPECT(memcmp(buf, out + at, sizeof buf) == 0);
        EXPECT_EQ(mr_stat("/var/tmp", &info), 0);
    }
    return mr_close(file);
}

/* ---- Other threads ------------------------------------------------------ */

static int64_t naps(void *arg)
{
    int64_t until = mr_after(5 * MR_MS);
    while (mr_now() < until)
        usleep(1000);
    return (intptr_t)arg;
}

struct job {
    uv_work_t work;
    mr_loop_reply *reply;
};

static void works(uv_work_t *work)
{
    (void)work;
    (void)naps(NULL);
}

static void worked(uv_work_t *work, int status)
{
    mr_loop_answer(((struct job *)work->data)->reply, status);
}

static void begins_work(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct job *j = arg;
    j->reply = reply;
    j->work.data = j;
    EXPECT_EQ(uv_queue_work(loop, &j->work, works, worked), 0);
}

static int64_t is_helped(void *arg)
{
    (void)arg;
    for (intptr_t i = 0; i < 20; i++) {
        struct job j;
        EXPECT_EQ(mr_blocking(naps, (void *)i), i);
        EXPECT_EQ(mr_loop_call(begins_work, NULL, &j), 0);
        int64_t until = mr_after(3 * MR_MS);
        EXPECT_EQ(mr_sleep_until(until), 0);
        EXPECT(mr_now() >= until);
    }
    return 0;
}

static int64_t transfers(void *arg)
{
    static enum stream_kind kinds[] = {STREAM_TCP, STREAM_UNIX, STREAM_PIPE};
    mr_task task[5];
    (void)arg;
    for (int i = 0; i < 3; i++)
        mr_spawn(&task[i], over_stream, &kinds[i]);
    mr_spawn(&task[3], over_file, NULL);
    mr_spawn(&task[4], is_helped, NULL);
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    return 7;
}

TEST(faults_io_signals, no_transfer_is_cut_off)
{
    DIR *threads;
    pthread_t thread = begin_signals(&threads);
    alarm(100);
    for (size_t i = 0; i < SIZE; i++)
        out[i] = (char)(i * 2654435761U >> 24);
    for (unsigned workers = 1; workers <= 4; workers += 3)
        EXPECT_EQ(run_with(workers, transfers, NULL), 7);
    end_signals(thread, threads);
}

/* ---- Threads of the program --------------------------------------------- */

static int64_t sleeps(void *arg)
{
    return mr_sleep(*(int64_t *)arg);
}

TEST(faults_io_signals, who_waits_outside_of_tasks_waits_on)
{
    int64_t until, ns = 50 * MR_MS, longer = 200 * MR_MS;
    mr_runtime *rt;
    DIR *threads;
    pthread_t thread = begin_signals(&threads);
    alarm(100);
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    until = mr_after(ns);
    EXPECT_EQ(mr_sleep_until(until), 0);
    EXPECT(mr_now() >= until);
    until = mr_after(ns);
    EXPECT_EQ(mr_run(rt, sleeps, &ns), 0);
    EXPECT(mr_now() >= until);
    EXPECT_EQ(mr_blocking(naps, (void *)5), 5);
    int64_t end = mr_after(longer);
    EXPECT_EQ(mr_submit(rt, sleeps, &longer, sizeof longer), 0);
    until = mr_after(ns);
    int rc = mr_stop(rt, until);
    /* It may have stood still for that long. */
    EXPECT(rc == MR_ETIMEDOUT || mr_now() >= end);
    EXPECT(mr_now() >= until);
    if (rc == MR_ETIMEDOUT)
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT(mr_now() >= end);
    end_signals(thread, threads);
}
