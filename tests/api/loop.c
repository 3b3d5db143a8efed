/* millrace/loop.h: libuv's loop as a tool of tasks. */
#define _GNU_SOURCE
#include <millrace.h>

#include "run.h"
#include "slow.h"
#include "test.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* ---- A call ------------------------------------------------------------- */

struct where {
    pthread_t caller, loop;
    char name[16];
};

static void looks_around(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct where *w = arg;
    EXPECT(loop != NULL);
    w->loop = pthread_self();
    pthread_getname_np(w->loop, w->name, sizeof w->name);
    EXPECT(mr_self() == NULL);
    mr_loop_answer(reply, 42);
}

static int64_t calls(void *arg)
{
    struct where *w = arg, again;
    w->caller = pthread_self();
    EXPECT_EQ(mr_loop_call(looks_around, NULL, w), 42);
    EXPECT(!pthread_equal(w->caller, w->loop));
    EXPECT_EQ(mr_loop_call(looks_around, looks_around, &again), 42);
    EXPECT(pthread_equal(w->loop, again.loop));
    EXPECT_STR(w->name, "mr-loop");
    return 0;
}

TEST(loop, a_call_is_made_on_the_loop_thread_and_answered)
{
    struct where w;
    EXPECT_EQ(run_with(1, calls, &w), 0);
    EXPECT_EQ(run_with(4, calls, &w), 0);
}

TEST(loop, outside_of_tasks_nothing_is_called)
{
    EXPECT_EQ(mr_loop_call(looks_around, NULL, NULL), MR_EPERM);
}

static int64_t calls_nothing(void *arg)
{
    return mr_loop_call(NULL, NULL, arg);
}

TEST(loop, a_call_has_a_function)
{
    EXPECT_EQ(run_with(1, calls_nothing, NULL), MR_EINVAL);
}

static void answers_arg(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    mr_loop_answer(reply, *(int64_t *)arg);
}

enum { MANY = 64, ROUNDS = 200 };

static int64_t calls_often(void *arg)
{
    int64_t i = *(int64_t *)arg;
    for (int round = 0; round < slow_scale(ROUNDS); round++)
        EXPECT_EQ(mr_loop_call(answers_arg, round % 2 ? answers_arg : NULL, &i),
                  i);
    return 0;
}

static int64_t many_call(void *arg)
{
    mr_task task[MANY];
    int64_t number[MANY];
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        number[i] = i;
        mr_spawn(&task[i], calls_often, &number[i]);
    }
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    return 0;
}

TEST(loop, each_of_many_calls_gets_its_own_answer)
{
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        EXPECT_EQ(run_with(workers, many_call, NULL), 0);
}

/* ---- Handles, bridged --------------------------------------------------- */

struct sleeper {
    uv_timer_t timer;
    mr_loop_reply *reply;
    uint64_t ms;
    int64_t answer;
};

static void timer_closed(uv_handle_t *handle)
{
    struct sleeper *s = handle->data;
    mr_loop_answer(s->reply, s->answer);
}

static void timer_rings(uv_timer_t *timer)
{
    struct sleeper *s = timer->data;
    s->answer = 7;
    uv_close((uv_handle_t *)timer, timer_closed);
}

static void sets_timer(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct sleeper *s = arg;
    EXPECT_EQ(uv_timer_init(loop, &s->timer), 0);
    s->timer.data = s;
    s->reply = reply;
    EXPECT_EQ(uv_timer_start(&s->timer, timer_rings, s->ms, 0), 0);
}

static void stops_timer(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct sleeper *s = arg;
    EXPECT(loop == s->timer.loop);
    EXPECT(reply == s->reply);
    if (uv_is_closing((uv_handle_t *)&s->timer))
        return;
    s->answer = MR_ECANCELED;
    uv_close((uv_handle_t *)&s->timer, timer_closed);
}

static int64_t sleeps_by_uv(void *arg)
{
    struct sleeper s = {.ms = *(uint64_t *)arg};
    return mr_loop_call(sets_timer, stops_timer, &s);
}

static int64_t many_sleep(void *arg)
{
    mr_task task[MANY];
    uint64_t ms[MANY];
    int64_t begun = mr_now();
    (void)arg;
    for (unsigned i = 0; i < MANY; i++) {
        ms[i] = i % 4 * 10;
        mr_spawn(&task[i], sleeps_by_uv, &ms[i]);
    }
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 7);
    return mr_now() - begun;
}

TEST(loop, a_uv_timer_in_a_frame_is_awaited)
{
    int64_t took = run_with(2, many_sleep, NULL);
    EXPECT(took >= 29 * MR_MS);
    EXPECT(took < 10 * MR_S);
}

/* An echo on libuv's own streams: accept, read, write. */
struct echo {
    uv_tcp_t listener, peer;
    uv_write_t write;
    char buffer[64];
    mr_loop_reply *reply; /* NULL: nobody waits yet */
    int port;
    int open;
};

static void echo_closed(uv_handle_t *handle)
{
    struct echo *e = handle->data;
    if (--e->open == 0 && e->reply)
        mr_loop_answer(e->reply, 0);
}

static void echo_buffer(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    struct echo *e = handle->data;
    (void)hint;
    *out = uv_buf_init(e->buffer, sizeof e->buffer);
}

static void echo_written(uv_write_t *write, int status)
{
    struct echo *e = write->handle->data;
    EXPECT_EQ(status, 0);
    uv_close((uv_handle_t *)&e->peer, echo_closed);
    uv_close((uv_handle_t *)&e->listener, echo_closed);
}

static void echo_read(uv_stream_t *peer, ssize_t n, const uv_buf_t *buf)
{
    struct echo *e = peer->data;
    uv_buf_t back = uv_buf_init(buf->base, (unsigned)n);
    EXPECT(n > 0);
    uv_read_stop(peer);
    EXPECT_EQ(uv_write(&e->write, peer, &back, 1, echo_written), 0);
}

static void echo_accepts(uv_stream_t *listener, int status)
{
    struct echo *e = listener->data;
    EXPECT_EQ(status, 0);
    EXPECT_EQ(uv_tcp_init(listener->loop, &e->peer), 0);
    e->peer.data = e;
    e->open++;
    EXPECT_EQ(uv_accept(listener, (uv_stream_t *)&e->peer), 0);
    EXPECT_EQ(uv_read_start((uv_stream_t *)&e->peer, echo_buffer, echo_read),
              0);
}

static void echo_listens(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct echo *e = arg;
    struct sockaddr_in at;
    int size = sizeof at;
    EXPECT_EQ(uv_ip4_addr("127.0.0.1", 0, &at), 0);
    EXPECT_EQ(uv_tcp_init(loop, &e->listener), 0);
    e->listener.data = e;
    e->open = 1;
    EXPECT_EQ(uv_tcp_bind(&e->listener, (struct sockaddr *)&at, 0), 0);
    EXPECT_EQ(uv_listen((uv_stream_t *)&e->listener, 1, echo_accepts), 0);
    EXPECT_EQ(uv_tcp_getsockname(&e->listener, (struct sockaddr *)&at, &size),
              0);
    mr_loop_answer(reply, ntohs(at.sin_port));
}

static void echo_waits(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct echo *e = arg;
    (void)loop;
    e->reply = reply;
    if (e->open == 0)
        mr_loop_answer(reply, 0);
}

static int64_t talks(void *arg)
{
    int port = *(int *)arg;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char back[6] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0);
    EXPECT_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    EXPECT_EQ(write(fd, "mill!", 5), 5);
    EXPECT_EQ(recv(fd, back, 5, MSG_WAITALL), 5);
    EXPECT_STR(back, "mill!");
    close(fd);
    return 0;
}

/* The peer blocks, on another thread. */
static int64_t blocks_in_talks(void *arg)
{
    return mr_blocking(talks, arg);
}

static int64_t echoes(void *arg)
{
    struct echo *e = arg;
    mr_task peer;
    int64_t port = mr_loop_call(echo_listens, NULL, e);
    EXPECT(port > 0);
    e->port = (int)port;
    mr_spawn(&peer, blocks_in_talks, &e->port);
    EXPECT_EQ(mr_loop_call(echo_waits, NULL, e), 0);
    return mr_await(&peer);
}

TEST(loop, libuv_streams_work_in_it)
{
    struct echo e;
    EXPECT_EQ(run_with(2, echoes, &e), 0);
}

/* ---- Cut short ---------------------------------------------------------- */

static int64_t sleeps_in_a_scope(void *arg)
{
    struct sleeper s = {.ms = 1000000};
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(5 * MR_MS));
    EXPECT_EQ(mr_loop_call(sets_timer, stops_timer, &s), MR_ECANCELED);
    EXPECT_EQ(mr_loop_call(sets_timer, stops_timer, &s), MR_ECANCELED);
    /* Without a way to cancel it is no point of cancellation. */
    s.ms = 1;
    EXPECT_EQ(mr_loop_call(sets_timer, NULL, &s), 7);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return 0;
}

TEST(loop, a_call_is_cut_short_with_its_scope)
{
    EXPECT_EQ(run_with(1, sleeps_in_a_scope, NULL), 0);
    EXPECT_EQ(run_with(2, sleeps_in_a_scope, NULL), 0);
}

/* The timer and the deadline at about the same time: one of them. */
static int64_t sleeps_for_as_long(void *arg)
{
    struct sleeper s = {.ms = 1};
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(1 * MR_MS + rand() % 1000 * MR_US));
    int64_t rc = mr_loop_call(sets_timer, stops_timer, &s);
    EXPECT(rc == 7 || rc == MR_ECANCELED);
    int64_t end = mr_scope_close(&scope);
    EXPECT(end == MR_ETIMEDOUT || (end == 0 && rc == 7));
    return 0;
}

static int64_t many_sleep_for_as_long(void *arg)
{
    mr_task task[MANY];
    for (int round = 0; round < slow_scale(50); round++) {
        for (int i = 0; i < MANY; i++)
            mr_spawn(&task[i], sleeps_for_as_long, arg);
        for (int i = 0; i < MANY; i++)
            EXPECT_EQ(mr_await(&task[i]), 0);
    }
    return 0;
}

TEST(loop, of_answer_and_cancel_one_counts)
{
    EXPECT_EQ(run_with(1, many_sleep_for_as_long, NULL), 0);
    EXPECT_EQ(run_with(4, many_sleep_for_as_long, NULL), 0);
}

/* ---- Held up ------------------------------------------------------------ */

static int enough; /* naps of others */

static void naps(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)arg;
    while (!__atomic_load_n(&enough, __ATOMIC_ACQUIRE))
        usleep(1000);
    mr_loop_answer(reply, 0);
}

static int64_t calls_naps(void *arg)
{
    return mr_loop_call(naps, NULL, arg);
}

static int64_t goes_on(void *arg)
{
    mr_task napper;
    __atomic_store_n(&enough, 0, __ATOMIC_RELEASE);
    mr_spawn(&napper, calls_naps, arg);
    mr_yield();
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(mr_sleep(MR_MS), 0);
    __atomic_store_n(&enough, 1, __ATOMIC_RELEASE);
    return mr_await(&napper);
}

TEST(loop, a_function_that_holds_it_up_holds_nobody_else)
{
    EXPECT_EQ(run_with(1, goes_on, NULL), 0);
}

/* ---- Wrong use ---------------------------------------------------------- */

static void keeps(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    *(mr_loop_reply **)arg = reply;
}

static int64_t is_kept(void *arg)
{
    return mr_loop_call(keeps, NULL, arg);
}

static void answers_elsewhere(void *arg)
{
    static mr_loop_reply *reply;
    mr_runtime *rt;
    (void)arg;
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(mr_submit(rt, is_kept, &reply, 0), 0);
    while (!__atomic_load_n(&reply, __ATOMIC_ACQUIRE))
        usleep(100);
    mr_loop_answer(reply, 0);
}

TEST(loop, an_answer_from_another_thread_stops_the_program)
{
    EXPECT(test_dies(answers_elsewhere, NULL, SIGABRT,
                     "an answer is given on the loop thread"));
}

/* ---- Stop --------------------------------------------------------------- */

static struct left_open {
    uv_timer_t timer;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_poll_t poll;
    uv_signal_t signal;
    uv_getaddrinfo_t name;
    uv_work_t work;
    int fd[2];
    int goes_on, done;
} left;

static void never(uv_timer_t *timer)
{
    (void)timer;
}

static void idles(uv_idle_t *idle)
{
    (void)idle;
}

static void prepares(uv_prepare_t *prepare)
{
    (void)prepare;
}

static void checks(uv_check_t *check)
{
    (void)check;
}

static void polls(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static void signals(uv_signal_t *signal, int number)
{
    (void)signal;
    (void)number;
}

static void accepts(uv_stream_t *stream, int status)
{
    (void)stream;
    (void)status;
}

static void opens_all(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct left_open *l = arg;
    struct sockaddr_in at;
    uv_timer_init(loop, &l->timer);
    uv_timer_start(&l->timer, never, 1000000, 0);
    uv_idle_init(loop, &l->idle);
    uv_idle_start(&l->idle, idles);
    uv_prepare_init(loop, &l->prepare);
    uv_prepare_start(&l->prepare, prepares);
    uv_check_init(loop, &l->check);
    uv_check_start(&l->check, checks);
    uv_unref((uv_handle_t *)&l->check);
    uv_async_init(loop, &l->async, NULL);
    uv_tcp_init(loop, &l->tcp);
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_bind(&l->tcp, (struct sockaddr *)&at, 0);
    EXPECT_EQ(uv_listen((uv_stream_t *)&l->tcp, 1, accepts), 0);
    uv_pipe_init(loop, &l->pipe, 0);
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, l->fd), 0);
    uv_poll_init(loop, &l->poll, l->fd[0]);
    uv_poll_start(&l->poll, UV_READABLE, polls);
    uv_signal_init(loop, &l->signal);
    uv_signal_start(&l->signal, signals, SIGUSR2);
    mr_loop_answer(reply, 0);
}

static int64_t leaves_all_open(void *arg)
{
    return mr_loop_call(opens_all, NULL, arg);
}

TEST(loop, a_stop_closes_what_was_left_open)
{
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(run_with(2, leaves_all_open, &left), 0);
        close(left.fd[0]);
        close(left.fd[1]);
    }
}

static void works(uv_work_t *work)
{
    (void)work;
    while (!__atomic_load_n(&left.goes_on, __ATOMIC_ACQUIRE))
        usleep(1000);
}

/* Opens something more while all is being closed. */
static void worked(uv_work_t *work, int status)
{
    EXPECT_EQ(status, 0);
    uv_timer_init(work->loop, &left.timer);
    uv_timer_start(&left.timer, never, 1000000, 0);
    left.done = 1;
}

static void begins_work(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct left_open *l = arg;
    l->goes_on = l->done = 0;
    EXPECT_EQ(uv_queue_work(loop, &l->work, works, worked), 0);
    uv_stop(loop);
    mr_loop_answer(reply, 0);
}

static int64_t leaves_work(void *arg)
{
    return mr_loop_call(begins_work, NULL, arg);
}

TEST(loop, a_stop_waits_for_requests_until_its_deadline)
{
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(mr_run(rt, leaves_work, &left), 0);
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_MS)), MR_ETIMEDOUT);
    EXPECT_EQ(mr_run(rt, leaves_work, &left), MR_ECANCELED);
    __atomic_store_n(&left.goes_on, 1, __ATOMIC_RELEASE);
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_S)), 0);
    EXPECT_EQ(left.done, 1);
}

/* ---- Fork --------------------------------------------------------------- */

static int64_t forks(void *arg)
{
    struct where w;
    EXPECT_EQ(mr_loop_call(looks_around, NULL, &w), 42);
    pid_t pid = fork();
    if (pid == 0)
        _exit(mr_loop_call(looks_around, NULL, arg) == MR_EPERM ? 0 : 1);
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    return 0;
}

TEST(loop, a_child_of_fork_is_refused)
{
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    EXPECT_EQ(run_with(2, forks, NULL), 0);
}
