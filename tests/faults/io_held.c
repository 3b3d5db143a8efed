/* What goes on while all that could help is held up: each thread that may
 * block by somebody's function, and libuv's thread as well. Sockets, timers and
 * what is in memory of files go on; who needs one of these waits for it. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"
#include "waits.h"

#include <sys/stat.h>

/* As many as millrace/task.h says. */
enum { THREADS = 512, BYTES = 10000 };

static struct {
    int64_t held;
    bool freed;
    char path[40];
} all;

static void hold(void)
{
    __atomic_fetch_add(&all.held, 1, __ATOMIC_RELAXED);
    while (!__atomic_load_n(&all.freed, __ATOMIC_RELAXED))
        usleep(100000);
}

static void free_all(void)
{
    __atomic_store_n(&all.freed, true, __ATOMIC_RELAXED);
}

static int64_t holds_thread(void *arg)
{
    (void)arg;
    hold();
    return 3;
}

static int64_t is_held(void *arg)
{
    return mr_blocking(holds_thread, arg);
}

static void holds_loop(struct uv_loop_s *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)arg;
    hold();
    mr_loop_answer(reply, 3);
}

static int64_t loop_is_held(void *arg)
{
    return mr_loop_call(holds_loop, NULL, arg);
}

static mr_task task[THREADS + 1];

static void hold_all(void)
{
    all.held = 0;
    all.freed = false;
    for (int i = 0; i < THREADS; i++)
        mr_spawn(&task[i], is_held, NULL);
    mr_spawn(&task[THREADS], loop_is_held, NULL);
    while (__atomic_load_n(&all.held, __ATOMIC_RELAXED) <= THREADS)
        mr_sleep(MR_MS);
}

static void await_all(void)
{
    for (int i = 0; i <= THREADS; i++)
        EXPECT_EQ(mr_await(&task[i]), 3);
}

/* ---- What needs none ---------------------------------------------------- */

static int64_t echoes(void *arg)
{
    mr_handle h = *(mr_handle *)arg;
    char buf[300];
    int64_t n;
    while ((n = mr_read(h, buf, sizeof buf)) > 0)
        EXPECT_EQ(mr_write(h, buf, (size_t)n), n);
    return n;
}

static void talk(enum stream_kind kind)
{
    static char out[BYTES], in[BYTES];
    mr_handle end[2];
    mr_task echo;
    stream_pair(kind, end);
    mr_spawn(&echo, echoes, &end[0]);
    for (int i = 0; i < 20; i++) {
        memset(out, 'a' + i, sizeof out);
        EXPECT_EQ(mr_write(end[1], out, sizeof out), sizeof out);
        EXPECT_EQ(mr_read_all(end[1], in, sizeof in, NULL), sizeof in);
        EXPECT(memcmp(in, out, sizeof in) == 0);
    }
    EXPECT_EQ(mr_shutdown(end[1], MR_SHUT_WRITE), 0);
    EXPECT_EQ(mr_await(&echo), 0);
    close_pair(end);
}

static void send_datagram(void)
{
    mr_address at;
    char byte = 0;
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 0), 0);
    mr_handle h = mr_udp_bind(&at, 0);
    EXPECT_EQ(mr_local_address(h, &at), 0);
    EXPECT_EQ(mr_udp_send(h, "!", 1, &at), 1);
    EXPECT_EQ(mr_udp_receive(h, &byte, 1, NULL), 1);
    EXPECT_EQ(byte, '!');
    EXPECT_EQ(mr_close(h), 0);
}

/* It was just written: it is in memory, and so are the names. */
static void read_warm(mr_handle file)
{
    char buf[BYTES];
    mr_file_info info;
    EXPECT_EQ(mr_file_read(file, buf, sizeof buf, 0), sizeof buf);
    EXPECT_EQ(mr_file_stat(file, &info), 0);
    EXPECT_EQ(info.size, BYTES);
}

static void time_goes_on(void)
{
    mr_scope scope;
    EXPECT_EQ(mr_sleep(2 * MR_MS), 0);
    mr_scope_open(&scope, mr_after(2 * MR_MS));
    EXPECT_EQ(mr_sleep_until(MR_NEVER), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
}

/* ---- What does ---------------------------------------------------------- */

struct asked {
    mr_fn fn;
    mr_handle file;
    int64_t result, later;
    bool over;
};

static int64_t syncs(void *arg)
{
    struct asked *a = arg;
    return mr_file_sync_data(a->file);
}

static int64_t truncates(void *arg)
{
    struct asked *a = arg;
    return mr_file_truncate(a->file, BYTES);
}

static int64_t makes_directory(void *arg)
{
    (void)arg;
    return mr_mkdir(all.path, 0700);
}

/* Not what io/ offers, and no point of cancellation, begun or not. */
static int64_t blocks(void *arg)
{
    return mr_blocking(holds_thread, arg) - 3;
}

static bool is_over(struct asked *a)
{
    return __atomic_load_n(&a->over, __ATOMIC_ACQUIRE);
}

static int64_t asks(void *arg)
{
    struct asked *a = *(struct asked **)arg;
    a->result = a->fn(a);
    a->later = mr_file_sync(a->file);
    __atomic_store_n(&a->over, true, __ATOMIC_RELEASE);
    return 0;
}

enum { ASKED = 4 };

static void ask_all(mr_scope *scope, struct asked *a, mr_handle file)
{
    static const mr_fn fn[ASKED] = {syncs, truncates, makes_directory, blocks};
    for (int i = 0; i < ASKED; i++) {
        struct asked *one = &a[i];
        a[i] = (struct asked){.fn = fn[i], .file = file};
        EXPECT_EQ(mr_scope_go(scope, asks, &one, sizeof one), 0);
    }
    come_to_wait(THREADS + ASKED, "mr_blocking");
}

static int over_of(struct asked *a)
{
    int n = 0;
    for (int i = 0; i < ASKED; i++)
        n += is_over(&a[i]);
    return n;
}

/* ---- All of it ---------------------------------------------------------- */

static void goes_on(mr_handle file)
{
    for (int i = 0; i < 3; i++) {
        for (enum stream_kind kind = STREAM_TCP; kind <= STREAM_UNIX; kind++)
            talk(kind);
        send_datagram();
        read_warm(file);
        time_goes_on();
    }
}

static void goes_on_in_shield(mr_handle file)
{
    mr_scope shield;
    mr_scope_shield(&shield, MR_NEVER);
    goes_on(file);
    EXPECT_EQ(mr_scope_close(&shield), 0);
}

/* What was begun before the cut is done all the same, and told; what comes
 * after it is not begun. */
static int64_t while_held(void *arg)
{
    static const char bytes[BYTES];
    struct asked a[ASKED];
    mr_scope scope;
    (void)arg;
    strcpy(all.path, "/tmp/millrace-held-XXXXXX");
    EXPECT(mkdtemp(all.path) != NULL);
    EXPECT_EQ(rmdir(all.path), 0);
    mr_handle file = mr_file_temporary("/tmp");
    EXPECT_EQ(mr_file_write(file, bytes, BYTES, 0), BYTES);
    hold_all();
    mr_scope_open(&scope, MR_NEVER);
    ask_all(&scope, a, file);
    goes_on(file);
    EXPECT_EQ(over_of(a), 0);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_file_sync(file), MR_ECANCELED);
    goes_on_in_shield(file);
    EXPECT_EQ(over_of(a), 0);
    free_all();
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    await_all();
    for (int i = 0; i < ASKED; i++) {
        EXPECT_EQ(a[i].result, 0);
        EXPECT_EQ(a[i].later, MR_ECANCELED);
    }
    EXPECT_EQ(mr_close(file), 0);
    return mr_rmdir(all.path);
}

TEST(faults_io_held, the_rest_goes_on_and_who_needs_it_waits)
{
    /* So many threads take ThreadSanitizer ten seconds. */
    unsigned most = slow_is_sanitized() ? 1 : 4;
    alarm(100);
    for (unsigned workers = 1; workers <= most; workers += 3)
        EXPECT_EQ(run_with(workers, while_held, NULL), 0);
}

/* ---- A stop ------------------------------------------------------------- */

static int64_t syncs_behind(void *arg)
{
    bool *asked = *(bool **)arg;
    mr_handle file = mr_file_temporary("/tmp");
    hold_all();
    mr_task_name("behind-them");
    __atomic_store_n(asked, true, __ATOMIC_RELAXED);
    EXPECT_EQ(mr_file_sync(file), 0);
    await_all();
    return mr_close(file);
}

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

TEST(faults_io_held, a_stop_waits_for_who_waits_for_a_thread)
{
    mr_runtime *rt;
    bool asked = false, *to = &asked;
    alarm(100);
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(mr_submit(rt, syncs_behind, &to, sizeof to), 0);
    while (!__atomic_load_n(&asked, __ATOMIC_RELAXED))
        usleep(1000);
    EXPECT_EQ(mr_stop(rt, mr_after(20 * MR_MS)), MR_ETIMEDOUT);
    EXPECT(is_in_dump(rt, "behind-them"));
    free_all();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
