/* io/handle.h and sched/poll.h: descriptors that tasks wait for, by the calls
 * that streams are made of. */
#include "io/handle.h"
#include "io/attempt.h"

#include "io/io.h"
#include "os/sys.h"
#include "slow.h"
#include "test.h"
#include "waits.h"
#include <millrace.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    alarm((unsigned)(30 * slow_sanitizer()));
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

static int64_t run_with(unsigned workers, mr_fn fn, void *arg)
{
    mr_runtime *rt = start(workers);
    int64_t result = mr_run(rt, fn, arg);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    return result;
}

static void run_on_some(mr_fn fn, void *arg)
{
    EXPECT_EQ(run_with(1, fn, arg), 0);
    EXPECT_EQ(run_with(2, fn, arg), 0);
    EXPECT_EQ(run_with(4, fn, arg), 0);
}

/* ---- Reading and writing, as streams do ---------------------------------- */

static int64_t receive(const mri_desc *d, void *arg)
{
    const struct iovec *to = arg;
    return mri_sys_result(recv(d->fd, to->iov_base, to->iov_len, MSG_DONTWAIT));
}

static int64_t reads(mr_handle h, void *buf, size_t size)
{
    mri_strand *s;
    mri_desc *d;
    struct iovec to = {buf, size};
    int64_t n = mri_attempt_begin(h, MRI_DESC_STREAM, &s, &d);
    if (n < 0)
        return n;
    n = mri_attempt(s, d, MRI_DIR_READ, size, receive, &to);
    mri_desc_put(s, d);
    return n;
}

static void sends(mr_handle h, const void *buf, size_t size)
{
    mri_strand *s = mri_strand_self();
    mri_desc *d;
    EXPECT_EQ(mri_desc_get(s, h, MRI_DESC_STREAM, &d), 0);
    EXPECT_EQ(send(d->fd, buf, size, MSG_NOSIGNAL), (ssize_t)size);
    mri_desc_put(s, d);
}

static mr_handle handle_of(int fd)
{
    mr_handle h = mri_desc_open(mri_strand_self(), fd, MRI_DESC_STREAM,
                                MRI_DESC_SHORT_IS_ALL);
    EXPECT(h >= 0);
    return h;
}

static void pair(int fd[2])
{
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void close_handle(mr_handle h)
{
    EXPECT_EQ(mri_desc_close(mri_strand_self(), h), 0);
}

/* ---- Two tasks ------------------------------------------------------------
 */

static int64_t echoes(void *arg)
{
    mr_handle h = *(mr_handle *)arg;
    int64_t n;
    char c;
    while ((n = reads(h, &c, 1)) == 1)
        sends(h, &c, 1);
    EXPECT_EQ(n, 0);
    return 0;
}

static int64_t plays(void *arg)
{
    int fd[2];
    pair(fd);
    mr_handle mine = handle_of(fd[0]), other = handle_of(fd[1]);
    mr_task task;
    mr_spawn(&task, echoes, &other);
    for (int i = 0, n = slow_scale(2000); i < n; i++) {
        char out = (char)i, in = (char)~i;
        sends(mine, &out, 1);
        EXPECT_EQ(reads(mine, &in, 1), 1);
        EXPECT_EQ(in, out);
    }
    close_handle(mine);
    EXPECT_EQ(mr_await(&task), 0);
    close_handle(other);
    return (int64_t)(intptr_t)arg;
}

TEST(handle, two_tasks_talk)
{
    run_on_some(plays, NULL);
}

static int64_t many_play(void *arg)
{
    enum { PAIRS = 50 };
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < PAIRS; i++)
        EXPECT_EQ(mr_scope_go(&scope, plays, NULL, 0), 0);
    return mr_scope_close(&scope);
}

TEST(handle, a_hundred_tasks_talk)
{
    EXPECT_EQ(run_with(2, many_play, NULL), 0);
    EXPECT_EQ(run_with(4, many_play, NULL), 0);
}

/* ---- From outside ---------------------------------------------------------
 */

static void *writes_slowly(void *arg)
{
    int fd = *(int *)arg;
    for (int i = 0; i < 100; i++) {
        usleep(i % 10 * 200);
        EXPECT_EQ(write(fd, "x", 1), 1);
    }
    close(fd);
    return NULL;
}

static int64_t reads_to_the_end(void *arg)
{
    mr_handle h = handle_of(*(int *)arg);
    char buf[16];
    int64_t n, sum = 0;
    while ((n = reads(h, buf, sizeof buf)) > 0)
        sum += n;
    close_handle(h);
    return n < 0 ? n : sum;
}

static int64_t read_beside(unsigned workers, mr_runtime *rt)
{
    int fd[2];
    pthread_t thread;
    (void)workers;
    pair(fd);
    EXPECT_EQ(pthread_create(&thread, NULL, writes_slowly, &fd[1]), 0);
    int64_t sum = mr_run(rt, reads_to_the_end, &fd[0]);
    pthread_join(thread, NULL);
    return sum;
}

TEST(handle, sleeping_workers_are_woken_by_a_descriptor)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        mr_runtime *rt = start(workers);
        EXPECT_EQ(read_beside(workers, rt), 100);
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}

static int64_t adds_one(void *arg)
{
    __atomic_fetch_add(*(int **)arg, 1, __ATOMIC_RELEASE);
    return 0;
}

/* The same worker sleeps in the kernel's wait, then on work, in turns. */
TEST(handle, sleeping_workers_are_woken_by_work_as_before)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        mr_runtime *rt = start(workers);
        EXPECT_EQ(read_beside(workers, rt), 100);
        int ran = 0, *counter = &ran;
        for (int i = 1; i <= 200; i++) {
            EXPECT_EQ(mr_submit(rt, adds_one, &counter, sizeof counter), 0);
            while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) < i)
                usleep(i % 4 * 50);
        }
        EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    }
}

/* ---- Beside those who compute ---------------------------------------------
 */

struct hog {
    int begun, end;
};

static int64_t holds(void *arg)
{
    struct hog *hog = *(struct hog **)arg;
    __atomic_fetch_add(&hog->begun, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&hog->end, __ATOMIC_ACQUIRE))
        continue;
    return 0;
}

static int64_t reads_one(void *arg)
{
    mr_handle h = handle_of(*(int *)arg);
    char c;
    int64_t n = reads(h, &c, 1);
    close_handle(h);
    return n;
}

static void *runs_reader(void *arg)
{
    struct {
        mr_runtime *rt;
        int fd;
    } *a = arg;
    EXPECT_EQ(mr_run(a->rt, reads_one, &a->fd), 1);
    return NULL;
}

/* With `hogs` of the workers in a long computation, one that waits for a
 * descriptor goes on. It would hang otherwise. */
static void waits_beside(unsigned workers, int hogs)
{
    struct hog hog = {0, 0}, *self = &hog;
    struct {
        mr_runtime *rt;
        int fd;
    } arg;
    int fd[2];
    pthread_t thread;
    pair(fd);
    arg.rt = start(workers);
    arg.fd = fd[0];
    EXPECT_EQ(pthread_create(&thread, NULL, runs_reader, &arg), 0);
    usleep(20000);
    for (int i = 0; i < hogs; i++)
        EXPECT_EQ(mr_submit(arg.rt, holds, &self, sizeof self), 0);
    while (__atomic_load_n(&hog.begun, __ATOMIC_ACQUIRE) < hogs)
        usleep(100);
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    pthread_join(thread, NULL);
    __atomic_store_n(&hog.end, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_stop(arg.rt, MR_NEVER), 0);
    close(fd[1]);
}

TEST(handle, who_waits_goes_on_while_one_of_two_workers_computes)
{
    waits_beside(2, 1);
}

TEST(handle, who_waits_goes_on_while_all_workers_compute)
{
    waits_beside(1, 1);
    waits_beside(2, 2);
}

/* ---- Ends of waits --------------------------------------------------------
 */

struct waiter {
    mr_handle h;
    int64_t result;
};

static int64_t waits_to_read(void *arg)
{
    struct waiter *w = arg;
    char c;
    w->result = reads(w->h, &c, 1);
    return 0;
}

static int64_t closes_while_read(void *arg)
{
    int fd[2];
    (void)arg;
    pair(fd);
    for (int i = 0; i < 100; i++) {
        int more[2];
        pair(more);
        struct waiter w = {handle_of(more[0]), 0};
        mr_task task;
        mr_spawn(&task, waits_to_read, &w);
        for (int k = i % 5; k > 0; k--)
            mr_yield();
        close_handle(w.h);
        (void)mr_await(&task);
        EXPECT_EQ(w.result, MR_EBADF);
        EXPECT_EQ(mri_desc_close(mri_strand_self(), w.h), MR_EBADF);
        close(more[1]);
    }
    close(fd[0]);
    close(fd[1]);
    return 0;
}

TEST(handle, close_ends_the_wait_of_others)
{
    run_on_some(closes_while_read, NULL);
}

static int64_t cuts_short(void *arg)
{
    int fd[2];
    (void)arg;
    pair(fd);
    struct waiter w = {handle_of(fd[0]), 0};
    /* Where the machine stands still it may not have begun by then. */
    for (int64_t ms = 5; w.result == 0; ms *= 4) {
        mr_scope scope;
        mr_task task;
        mr_scope_open(&scope, mr_after(ms * MR_MS));
        mr_scope_spawn(&scope, &task, waits_to_read, &w);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    }
    EXPECT_EQ(w.result, MR_ECANCELED);
    /* The descriptor is as good as before. */
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    (void)waits_to_read(&w);
    EXPECT_EQ(w.result, 1);
    close_handle(w.h);
    close(fd[1]);
    return 0;
}

TEST(handle, a_deadline_ends_the_wait_and_leaves_the_descriptor)
{
    run_on_some(cuts_short, NULL);
}

static int64_t waits_twice(void *arg)
{
    int fd[2];
    (void)arg;
    pair(fd);
    struct waiter w = {handle_of(fd[0]), 0};
    mr_task task;
    mr_scope scope;
    char c;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, waits_to_read, &w);
    come_to_wait(1, TO_READ);
    EXPECT_EQ(reads(w.h, &c, 1), MR_EBUSY);
    EXPECT_EQ(write(fd[1], "x", 1), 1);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(w.result, 1);
    close_handle(w.h);
    close(fd[1]);
    return 0;
}

TEST(handle, a_second_that_waits_for_the_same_is_told)
{
    run_on_some(waits_twice, NULL);
}

/* ---- Handles --------------------------------------------------------------
 */

static int64_t uses_closed(void *arg)
{
    int fd[2];
    mr_handle before = *(mr_handle *)arg;
    char c;
    pair(fd);
    mr_handle a = handle_of(fd[0]), b = handle_of(fd[1]);
    EXPECT(before < 0 || reads(before, &c, 1) == MR_EBADF);
    close_handle(a);
    EXPECT_EQ(reads(a, &c, 1), MR_EBADF);
    EXPECT_EQ(reads(-1, &c, 1), MR_EBADF);
    EXPECT_EQ(reads(INT64_MAX, &c, 1), MR_EBADF);
    EXPECT_EQ(reads(b, &c, 1), 0); /* the end */
    *(mr_handle *)arg = b;         /* closed by mr_stop */
    return 0;
}

TEST(handle, one_that_was_closed_or_is_not_ours_is_known_for_one)
{
    mr_handle before = -1;
    EXPECT_EQ(run_with(2, uses_closed, &before), 0);
    EXPECT_EQ(run_with(2, uses_closed, &before), 0);
}

static int64_t opens_many(void *arg)
{
    enum { MANY = 200 };
    mr_handle h[MANY];
    (void)arg;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i += 2) {
            int fd[2];
            pair(fd);
            h[i] = handle_of(fd[0]);
            h[i + 1] = handle_of(fd[1]);
        }
        for (int i = 0; i < MANY; i += 2) {
            char in, out = (char)i;
            sends(h[i], &out, 1);
            EXPECT_EQ(reads(h[i + 1], &in, 1), 1);
            EXPECT_EQ(in, out);
        }
        for (int i = 0; i < MANY; i++)
            close_handle(h[i]);
    }
    return 0;
}

TEST(handle, the_table_grows_and_its_places_are_used_again)
{
    EXPECT_EQ(run_with(1, opens_many, NULL), 0);
}
