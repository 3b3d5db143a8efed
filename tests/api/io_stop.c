/* What waits when a runtime is to stop, one of each kind: the stop says that
 * somebody refuses, the dump says who; when the cause is gone the next stop
 * succeeds. And where the scope around all of them is cut short, they end at
 * once, each with its code, but for those that are not points of cancellation.
 */
#include <millrace.h>

#include "streams.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/un.h>
#include <uv.h>

/* One that waits: set up outside of tasks, as is what ends it. */
typedef struct pending {
    const struct kind *kind;
    int fd[2];
    struct sockaddr_un at;
    mr_address address;
    mr_scope scope;
    uv_async_t bell;
    mr_loop_reply *reply;
    int64_t answer;
    int64_t result;
    bool begun, freed, over;
} pending;

typedef struct kind {
    const char *name;
    int64_t (*waits)(pending *p); /* a task */
    void (*prepares)(pending *p);
    void (*frees)(pending *p); /* the cause */
    int64_t result;            /* when that is gone */
    int64_t cut;               /* when its scope is cut; 0: it is not */
} kind;

static bool get(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag)
{
    __atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void pairs(pending *p)
{
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->fd), 0);
}

static void writes_a_byte(pending *p)
{
    EXPECT_EQ(write(p->fd[1], "!", 1), 1);
}

/* The descriptor is the task's from now on. */
static mr_handle adopts(pending *p)
{
    mr_handle h = mr_fd_adopt(p->fd[0]);
    p->fd[0] = -1;
    EXPECT(h >= 0);
    set(&p->begun);
    return h;
}

static int64_t and_closes(mr_handle h, int64_t rc)
{
    EXPECT_EQ(mr_close(h), 0);
    return rc;
}

/* ---- Streams ------------------------------------------------------------ */

enum { MUCH = 1 << 20 };

static char much[MUCH];

static int64_t reads(pending *p)
{
    mr_handle h = adopts(p);
    char byte;
    return and_closes(h, mr_read(h, &byte, 1));
}

static int64_t waits_readable(pending *p)
{
    mr_handle h = adopts(p);
    return and_closes(h, mr_wait_readable(h));
}

static int64_t writes(pending *p)
{
    mr_handle h = adopts(p);
    return and_closes(h, mr_write(h, much, MUCH));
}

static void reads_much(pending *p)
{
    static char drain[MUCH];
    for (ssize_t all = 0, n; all < MUCH; all += n) {
        n = read(p->fd[1], drain, MUCH);
        EXPECT(n > 0);
    }
}

static void pairs_full(pending *p)
{
    pairs(p);
    while (send(p->fd[0], much, 4096, MSG_DONTWAIT) > 0)
        ;
}

static int64_t waits_writable(pending *p)
{
    mr_handle h = adopts(p);
    return and_closes(h, mr_wait_writable(h));
}

static void drains(pending *p)
{
    static char drain[4096];
    while (recv(p->fd[1], drain, sizeof drain, MSG_DONTWAIT) > 0)
        ;
}

/* ---- Connections -------------------------------------------------------- */

static void listens(pending *p)
{
    p->at = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(p->at.sun_path + 1, sizeof p->at.sun_path - 1, "millrace-%d-%s",
             (int)getpid(), p->kind->name);
    p->fd[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(p->fd[0], (struct sockaddr *)&p->at, sizeof p->at), 0);
    EXPECT_EQ(listen(p->fd[0], 0), 0);
    p->fd[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void connects(pending *p)
{
    EXPECT_EQ(connect(p->fd[1], (struct sockaddr *)&p->at, sizeof p->at), 0);
}

static void listens_full(pending *p)
{
    listens(p);
    connects(p);
}

static int64_t closes_peer(mr_handle peer)
{
    return peer < 0 ? peer : mr_close(peer);
}

static int64_t accepts(pending *p)
{
    mr_handle h = adopts(p);
    return and_closes(h, closes_peer(mr_accept(h)));
}

/* The address is as long as the system says, zeros and all. */
static int64_t connects_to_full(pending *p)
{
    mr_handle listener = mr_fd_adopt(dup(p->fd[0]));
    EXPECT_EQ(mr_local_address(listener, &p->address), 0);
    EXPECT_EQ(mr_close(listener), 0);
    set(&p->begun);
    return closes_peer(mr_connect(&p->address));
}

static void makes_room(pending *p)
{
    int peer = -1;
    while (peer < 0) /* the handle was made non-blocking, and so is this */
        peer = accept(p->fd[0], NULL, NULL);
    close(peer);
}

static int64_t receives(pending *p)
{
    char byte;
    EXPECT_EQ(mr_address_ip(&p->address, "127.0.0.1", 0), 0);
    mr_handle h = mr_udp_bind(&p->address, 0);
    EXPECT_EQ(mr_local_address(h, &p->address), 0);
    set(&p->begun);
    return and_closes(h, mr_udp_receive(h, &byte, 1, NULL));
}

static void sends_datagram(pending *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)mr_address_port(&p->address)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    p->fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(sendto(p->fd[0], "!", 1, 0, (struct sockaddr *)&to, sizeof to),
              1);
}

static int64_t waits_for_another(pending *p)
{
    set(&p->begun);
    return mr_fd_wait(p->fd[0], MR_READABLE);
}

/* ---- Time, threads, libuv ----------------------------------------------- */

static int64_t sleeps(pending *p)
{
    mr_scope_open(&p->scope, MR_NEVER);
    set(&p->begun);
    int64_t rc = mr_sleep_until(MR_NEVER);
    EXPECT_EQ(mr_scope_close(&p->scope), MR_ECANCELED);
    return rc;
}

static void wakes(pending *p)
{
    mr_scope_cancel(&p->scope);
}

static int64_t holds_thread(void *arg)
{
    pending *p = arg;
    set(&p->begun);
    while (!get(&p->freed))
        usleep(1000);
    return 5;
}

static int64_t blocks(pending *p)
{
    return mr_blocking(holds_thread, p);
}

static void is_freed(pending *p)
{
    set(&p->freed);
}

static void has_closed(uv_handle_t *handle)
{
    pending *p = handle->data;
    mr_loop_answer(p->reply, p->answer);
}

static void rings(uv_async_t *bell)
{
    uv_close((uv_handle_t *)bell, has_closed);
}

static void hangs_up(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    pending *p = arg;
    EXPECT_EQ(uv_async_init(loop, &p->bell, rings), 0);
    p->bell.data = p;
    p->reply = reply;
    p->answer = 7;
    set(&p->begun);
}

static void is_cut(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    pending *p = arg;
    (void)loop;
    (void)reply;
    p->answer = MR_ECANCELED;
    uv_close((uv_handle_t *)&p->bell, has_closed);
}

static int64_t calls(pending *p)
{
    return mr_loop_call(hangs_up, NULL, p);
}

static int64_t calls_to_be_cut(pending *p)
{
    return mr_loop_call(hangs_up, is_cut, p);
}

static void sends_bell(pending *p)
{
    EXPECT_EQ(uv_async_send(&p->bell), 0);
}

/* ---- Processes and signals ---------------------------------------------- */

static int64_t waits_for_child(pending *p)
{
    const char *argv[] = {"sleep", "1000", NULL};
    mr_process_options o = {.size = sizeof o, .file = "sleep", .argv = argv};
    mr_handle child = mr_process_spawn(&o, NULL);
    EXPECT(child >= 0);
    p->answer = mr_process_id(child);
    set(&p->begun);
    int64_t rc = mr_process_wait(child, NULL);
    if (rc < 0)
        EXPECT_EQ(mr_process_kill(child, SIGKILL), 0);
    return and_closes(child, rc);
}

static void kills_child(pending *p)
{
    EXPECT_EQ(kill((pid_t)p->answer, SIGKILL), 0);
}

static int64_t waits_for_signal(pending *p)
{
    mr_handle h = mr_signal_open(&(int){SIGUSR2}, 1);
    EXPECT(h >= 0);
    set(&p->begun);
    return and_closes(h, mr_signal_wait(h, NULL));
}

/* To this thread, which has it unblocked: ThreadSanitizer holds back others. */
static void sends_signal(pending *p)
{
    (void)p;
    EXPECT_EQ(raise(SIGUSR2), 0);
}

/* ---- All kinds ---------------------------------------------------------- */

enum { CUT = MR_ECANCELED };

static void makes_pipe(pending *p)
{
    EXPECT_EQ(pipe(p->fd), 0);
}

static const kind all[] = {
    {"reading", reads, pairs, writes_a_byte, 1, CUT},
    {"reading-a-pipe", reads, makes_pipe, writes_a_byte, 1, CUT},
    {"writing", writes, pairs, reads_much, MUCH, CUT},
    {"readable", waits_readable, pairs, writes_a_byte, 0, CUT},
    {"writable", waits_writable, pairs_full, drains, 0, CUT},
    {"accepting", accepts, listens, connects, 0, CUT},
    {"connecting", connects_to_full, listens_full, makes_room, 0, CUT},
    {"receiving", receives, NULL, sends_datagram, 1, CUT},
    {"foreign", waits_for_another, makes_pipe, writes_a_byte, MR_READABLE, CUT},
    {"sleeping", sleeps, NULL, wakes, MR_ECANCELED, CUT},
    {"blocking", blocks, NULL, is_freed, 5, 0},
    {"calling", calls, NULL, sends_bell, 7, 0},
    {"calling-to-be-cut", calls_to_be_cut, NULL, sends_bell, 7, CUT},
    {"a-child", waits_for_child, NULL, kills_child, 0, CUT},
    {"a-signal", waits_for_signal, NULL, sends_signal, SIGUSR2, CUT},
};

enum { KINDS = sizeof all / sizeof *all };

static void prepare(pending *p, const kind *k)
{
    *p = (pending){.kind = k, .fd = {-1, -1}};
    if (k->prepares)
        k->prepares(p);
}

static void clear(pending *p)
{
    for (int i = 0; i < 2; i++)
        if (p->fd[i] >= 0)
            close(p->fd[i]);
}

static int64_t waits(void *arg)
{
    pending *p = *(pending **)arg;
    mr_task_name(p->kind->name);
    p->result = p->kind->waits(p);
    set(&p->over);
    return 0;
}

static void come(const bool *flag)
{
    while (!get(flag))
        usleep(1000);
}

/* ---- A stop ------------------------------------------------------------- */

static bool is_in_dump(mr_runtime *rt, const char *name)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    EXPECT_EQ(mr_dump(rt, out), 0);
    fclose(out);
    bool found = strstr(text, name) != NULL;
    free(text);
    return found;
}

static void refuse(mr_runtime *rt, pending *p, int n)
{
    for (int i = 0; i < n; i++) {
        pending *one = &p[i];
        EXPECT_EQ(mr_submit(rt, waits, &one, sizeof one), 0);
        come(&p[i].begun);
    }
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_MS)), MR_ETIMEDOUT);
    for (int i = 0; i < n; i++)
        EXPECT_MSG(is_in_dump(rt, p[i].kind->name), "%s is not named",
                   p[i].kind->name);
}

static void end(mr_runtime *rt, pending *p, int n)
{
    for (int i = 0; i < n; i++)
        p[i].kind->frees(&p[i]);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    for (int i = 0; i < n; i++) {
        EXPECT_MSG(p[i].result == p[i].kind->result, "%s: %d", p[i].kind->name,
                   (int)p[i].result);
        clear(&p[i]);
    }
}

/* These n kinds, and then no longer. */
static void stop_twice(const kind *k, int n)
{
    static pending p[KINDS];
    mr_config config = {.size = sizeof config, .workers = 2};
    mr_runtime *rt;
    for (int i = 0; i < n; i++)
        prepare(&p[i], &k[i]);
    EXPECT_EQ(mr_start(&rt, &config), 0);
    refuse(rt, p, n);
    end(rt, p, n);
}

TEST(io_stop, each_kind_of_wait_refuses_and_is_named)
{
    alarm(100);
    for (int i = 0; i < KINDS; i++)
        stop_twice(&all[i], 1);
}

TEST(io_stop, all_of_them_refuse_until_the_last_has_gone)
{
    alarm(100);
    stop_twice(all, KINDS);
}

/* ---- A cut -------------------------------------------------------------- */

static void go(mr_scope *scope, pending *p)
{
    for (int i = 0; i < KINDS; i++) {
        pending *one = &p[i];
        EXPECT_EQ(mr_scope_go(scope, waits, &one, sizeof one), 0);
        while (!get(&p[i].begun))
            mr_sleep(MR_MS);
    }
}

/* Those who can be are gone; the others wait for what they waited for. */
static void expect_cut(pending *p)
{
    for (int i = 0; i < KINDS; i++) {
        if (p[i].kind->cut == 0) {
            EXPECT(!get(&p[i].over));
            p[i].kind->frees(&p[i]);
        }
        come(&p[i].over);
        int64_t expected =
            p[i].kind->cut == 0 ? p[i].kind->result : p[i].kind->cut;
        EXPECT_MSG(p[i].result == expected, "%s: %d", p[i].kind->name,
                   (int)p[i].result);
    }
}

static int64_t is_cut_short(void *arg)
{
    static pending p[KINDS];
    mr_scope scope;
    (void)arg;
    for (int i = 0; i < KINDS; i++)
        prepare(&p[i], &all[i]);
    mr_scope_open(&scope, MR_NEVER);
    go(&scope, p);
    mr_scope_cancel(&scope);
    expect_cut(p);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    for (int i = 0; i < KINDS; i++)
        clear(&p[i]);
    return 0;
}

TEST(io_stop, a_cut_of_the_scope_around_ends_all_that_can_be)
{
    alarm(100);
    for (unsigned workers = 1; workers <= 4; workers *= 2)
        EXPECT_EQ(run_with(workers, is_cut_short, NULL), 0);
}
