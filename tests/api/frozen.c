/* A server that is stopped and continued from outside (SIGSTOP, SIGCONT), again
 * and again, at work and at rest: it goes on where it was, timers fire, no peer
 * is lost, and at the end nobody waits for what has come long ago. */
#include <millrace.h>

#include "streams.h"
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- The server, a process of its own ----------------------------------- */

struct server {
    int asked, told; /* its end is asked for; its port, and a byte a tick */
    int64_t tick;
    bool works, over;
    mr_handle listener;
};

static bool is_over(struct server *s)
{
    return __atomic_load_n(&s->over, __ATOMIC_RELAXED);
}

static int64_t echoes(void *arg)
{
    mr_handle stream = *(mr_handle *)arg;
    char buf[4096];
    int64_t n;
    while ((n = mr_read(stream, buf, sizeof buf)) > 0)
        EXPECT_EQ(mr_write(stream, buf, (size_t)n), n);
    EXPECT_EQ(n, 0);
    return mr_close(stream);
}

static int64_t accepts(void *arg)
{
    struct server *s = arg;
    mr_handle peer;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    while ((peer = mr_accept(s->listener)) >= 0)
        EXPECT_EQ(mr_scope_go(&scope, echoes, &peer, sizeof peer), 0);
    EXPECT_EQ(peer, MR_EBADF);
    return mr_scope_close(&scope);
}

static int64_t ticks(void *arg)
{
    struct server *s = arg;
    mr_interval interval;
    mr_handle told = mr_fd_adopt(dup(s->told));
    EXPECT_EQ(mr_interval_open(&interval, s->tick), 0);
    while (!is_over(s)) {
        EXPECT(mr_interval_wait(&interval) > 0);
        EXPECT_EQ(mr_write(told, "!", 1), 1);
    }
    return mr_close(told);
}

static int64_t naps(void *arg)
{
    usleep(500);
    return *(int *)arg;
}

static void answers(struct uv_loop_s *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    mr_loop_answer(reply, *(int *)arg);
}

static int64_t is_helped(void *arg)
{
    struct server *s = arg;
    for (int i = 0; !is_over(s); i++) {
        EXPECT_EQ(mr_blocking(naps, &i), i);
        EXPECT_EQ(mr_loop_call(answers, NULL, &i), i);
    }
    return 0;
}

static int64_t is_cut(void *arg)
{
    struct server *s = arg;
    while (!is_over(s)) {
        mr_scope scope;
        mr_scope_open(&scope, mr_after(2 * MR_MS));
        EXPECT_EQ(mr_sleep_until(MR_NEVER), MR_ECANCELED);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    }
    return 0;
}

static int64_t uses_file(void *arg)
{
    struct server *s = arg;
    char out[5000], in[5000];
    mr_handle file = mr_file_temporary("/var/tmp");
    EXPECT(file >= 0);
    for (unsigned i = 0; !is_over(s); i++) {
        memset(out, (int)i, sizeof out);
        EXPECT_EQ(mr_file_write(file, out, sizeof out, i % 20), sizeof out);
        EXPECT_EQ(mr_file_read(file, in, sizeof in, i % 20), sizeof in);
        EXPECT(memcmp(in, out, sizeof in) == 0);
        EXPECT_EQ(mr_sleep(200 * MR_US), 0);
    }
    return mr_close(file);
}

/* Until the asker closes its end. */
static int64_t serves(void *arg)
{
    static const mr_fn works[] = {is_helped, is_cut, uses_file};
    struct server *s = arg;
    mr_address at;
    mr_scope scope;
    char byte;
    s->listener = listen_on_loopback(&at, 0);
    EXPECT_EQ(write(s->told, &at, sizeof at), sizeof at);
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&scope, accepts, s, 0), 0);
    EXPECT_EQ(mr_scope_go(&scope, ticks, s, 0), 0);
    for (int i = 0; s->works && i < 3; i++)
        EXPECT_EQ(mr_scope_go(&scope, works[i], s, 0), 0);
    mr_handle asked = mr_fd_adopt(s->asked);
    EXPECT_EQ(mr_read(asked, &byte, 1), 0);
    EXPECT_EQ(mr_close(asked), 0);
    __atomic_store_n(&s->over, true, __ATOMIC_RELAXED);
    EXPECT_EQ(mr_close(s->listener), 0);
    return mr_scope_close(&scope);
}

/* ---- Who drives it ------------------------------------------------------ */

enum { PEERS = 4 };

struct outside {
    pid_t pid;
    int asks, hears;
    mr_address at;
    bool over;
    int64_t rounds[PEERS]; /* echoed */
    int64_t pause;         /* us between two */
};

static void start_server(struct outside *o, bool works, unsigned workers)
{
    int asks[2], tells[2];
    EXPECT_EQ(pipe(asks), 0);
    EXPECT_EQ(pipe(tells), 0);
    o->pid = fork();
    if (o->pid == 0) {
        struct server s = {.asked = asks[0],
                           .told = tells[1],
                           .works = works,
                           .tick = (works ? 2 : 50) * MR_MS};
        close(asks[1]);
        _exit(run_with(workers, serves, &s) == 0 ? 0 : 1);
    }
    close(asks[0]);
    close(tells[1]);
    o->asks = asks[1];
    o->hears = tells[0];
    EXPECT_EQ(read(o->hears, &o->at, sizeof o->at), sizeof o->at);
}

struct peer {
    struct outside *o;
    int which;
};

static void exchange(int fd, char byte)
{
    char out[3000], in[3000];
    memset(out, byte, sizeof out);
    EXPECT_EQ(write(fd, out, sizeof out), sizeof out);
    EXPECT_EQ(recv(fd, in, sizeof in, MSG_WAITALL), sizeof in);
    EXPECT(memcmp(in, out, sizeof in) == 0);
}

static void *peers(void *arg)
{
    struct peer *p = arg;
    int fd = connect_raw(&p->o->at);
    while (!__atomic_load_n(&p->o->over, __ATOMIC_RELAXED)) {
        exchange(fd, (char)p->o->rounds[p->which]);
        __atomic_fetch_add(&p->o->rounds[p->which], 1, __ATOMIC_RELAXED);
        usleep((useconds_t)p->o->pause);
    }
    close(fd);
    return NULL;
}

/* The timer has fired, and that often, since it went on. */
static void hear_ticks(struct outside *o, int n)
{
    char old[65536];
    struct pollfd p = {.fd = o->hears, .events = POLLIN};
    while (poll(&p, 1, 0) == 1)
        EXPECT(read(o->hears, old, sizeof old) > 0);
    while (n-- > 0)
        EXPECT_EQ(read(o->hears, old, 1), 1);
}

/* Every peer has got an answer that it had not asked for before. */
static void see_progress(struct outside *o)
{
    int64_t seen[PEERS];
    for (int i = 0; i < PEERS; i++)
        seen[i] = __atomic_load_n(&o->rounds[i], __ATOMIC_RELAXED);
    for (int i = 0; i < PEERS; i++)
        while (__atomic_load_n(&o->rounds[i], __ATOMIC_RELAXED) < seen[i] + 2)
            usleep(1000);
}

static void freeze(struct outside *o, int us)
{
    int status;
    EXPECT_EQ(kill(o->pid, SIGSTOP), 0);
    EXPECT_EQ(waitpid(o->pid, &status, WUNTRACED), o->pid);
    EXPECT_MSG(WIFSTOPPED(status), "the server has ended: %d", status);
    usleep((useconds_t)us);
    EXPECT_EQ(kill(o->pid, SIGCONT), 0);
}

static void end_server(struct outside *o)
{
    int status;
    close(o->asks);
    EXPECT_EQ(waitpid(o->pid, &status, 0), o->pid);
    EXPECT_EQ(status, 0);
    close(o->hears);
}

static void freeze_often(bool works, unsigned workers)
{
    struct outside o = {.pause = works ? 0 : 20000};
    struct peer peer[PEERS];
    pthread_t thread[PEERS];
    alarm(100);
    start_server(&o, works, workers);
    for (int i = 0; i < PEERS; i++) {
        peer[i] = (struct peer){&o, i};
        EXPECT_EQ(pthread_create(&thread[i], NULL, peers, &peer[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        usleep((useconds_t)(rand() % 20000));
        freeze(&o, i == 10 ? 1200000 : rand() % 30000);
        hear_ticks(&o, 2);
        see_progress(&o);
    }
    __atomic_store_n(&o.over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < PEERS; i++)
        pthread_join(thread[i], NULL);
    end_server(&o);
}

TEST(frozen, at_work_it_goes_on_where_it_was)
{
    freeze_often(true, 1);
    freeze_often(true, 4);
}

TEST(frozen, at_rest_it_wakes_when_there_is_something)
{
    freeze_often(false, 1);
    freeze_often(false, 4);
}
