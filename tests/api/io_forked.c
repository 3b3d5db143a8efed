/* In a child of fork() every call of io.h, net.h, file.h and loop.h says
 * MR_EPERM, whoever has forked, whatever the runtime did just then, and leaves
 * the parent's things alone: those go on. */
#include <millrace.h>

#include "slow.h"
#include "streams.h"
#include "test.h"

#include <sys/wait.h>

/* What the parent has, which the child has a copy of. */
struct things {
    mr_handle stream[2], tcp, listener, datagrams, file;
    mr_address at;
    mr_walk walk;
    char path[40];
};

/* In the child: for the parent to see, and the rest is tried all the same. */
static int wrong;

static void refused(const char *call, int64_t rc)
{
    if (rc == MR_EPERM)
        return;
    dprintf(STDERR_FILENO, "%s: %s\n", call, mr_error_name(rc));
    wrong++;
}

#define REFUSED(call) refused(#call, (call))

static void tries_streams(const struct things *t)
{
    char buf[4] = "";
    mr_buffer part = {buf, sizeof buf};
    mr_handle end[2], h = t->stream[0];
    REFUSED(mr_read(h, buf, sizeof buf));
    REFUSED(mr_read(h, buf, 0));
    REFUSED(mr_readv(h, &part, 1));
    REFUSED(mr_read_all(h, buf, sizeof buf, NULL));
    REFUSED(mr_wait_readable(h));
    REFUSED(mr_write(h, buf, sizeof buf));
    REFUSED(mr_write(h, buf, 0));
    REFUSED(mr_write_all(h, buf, sizeof buf, NULL));
    REFUSED(mr_writev(h, &part, 1, NULL));
    REFUSED(mr_write_some(h, buf, sizeof buf));
    REFUSED(mr_wait_writable(h));
    REFUSED(mr_shutdown(h, MR_SHUT_READ | MR_SHUT_WRITE));
    REFUSED(mr_close(h));
    REFUSED(mr_pipe_open(end));
    REFUSED(mr_stdio(2));
    REFUSED(mr_fd_adopt(dup(STDERR_FILENO)));
    REFUSED(mr_fd_wait(STDERR_FILENO, MR_WRITABLE));
}

static void tries_sockets(const struct things *t)
{
    char buf[4] = "";
    mr_handle end[2];
    mr_address at;
    REFUSED(mr_tcp_listen("127.0.0.1", 0, 0, 0));
    REFUSED(mr_unix_listen("@millrace-forked", 0));
    REFUSED(mr_listen(&t->at, 0, 0));
    REFUSED(mr_accept(t->listener));
    REFUSED(mr_tcp_connect("127.0.0.1", mr_address_port(&t->at)));
    REFUSED(mr_unix_connect("@millrace-forked"));
    REFUSED(mr_connect(&t->at));
    REFUSED(mr_unix_pair(end));
    REFUSED(mr_local_address(t->listener, &at));
    REFUSED(mr_peer_address(t->tcp, &at));
    REFUSED(mr_tcp_nodelay(t->tcp, 1));
    REFUSED(mr_tcp_keepalive(t->tcp, MR_S));
    REFUSED(mr_udp_bind(&t->at, 0));
    REFUSED(mr_udp_connect(&t->at));
    REFUSED(mr_udp_send(t->datagrams, buf, sizeof buf, &t->at));
    REFUSED(mr_udp_receive(t->datagrams, buf, sizeof buf, NULL));
}

static void tries_files(const struct things *t)
{
    char buf[4] = "", named[] = "/var/tmp/millrace-forked-XXXXXX";
    mr_file_info info;
    REFUSED(mr_file_open("/dev/null", MR_FILE_READ, 0));
    REFUSED(mr_file_open(t->path, MR_FILE_WRITE | MR_FILE_TRUNCATE, 0));
    REFUSED(mr_file_read(t->file, buf, sizeof buf, 0));
    REFUSED(mr_file_write(t->file, buf, sizeof buf, 0));
    REFUSED(mr_file_sync(t->file));
    REFUSED(mr_file_sync_data(t->file));
    REFUSED(mr_file_truncate(t->file, 0));
    REFUSED(mr_file_temporary("/var/tmp"));
    REFUSED(mr_file_temporary_named(named));
    REFUSED(mr_stat("/", &info));
    REFUSED(mr_lstat("/", &info));
    REFUSED(mr_file_stat(t->file, &info));
}

static void tries_names(struct things *t)
{
    char buf[400], named[] = "/var/tmp/millrace-forked-XXXXXX";
    mr_walk walk;
    mr_walk_entry entry;
    REFUSED(mr_rename(t->path, "/var/tmp/millrace-forked"));
    REFUSED(mr_unlink(t->path));
    REFUSED(mr_mkdir("/var/tmp/millrace-forked", 0700));
    REFUSED(mr_rmdir("/var/tmp/millrace-forked"));
    REFUSED(mr_symlink(t->path, "/var/tmp/millrace-forked"));
    REFUSED(mr_mkdir_temporary(named));
    REFUSED(mr_readlink("/proc/self/exe", buf, sizeof buf));
    REFUSED(mr_realpath("/proc/self/exe", buf, sizeof buf));
    REFUSED(mr_walk_open(&walk, "/var/tmp", 0));
    REFUSED(mr_walk_next(&t->walk, &entry));
}

static void never(struct uv_loop_s *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)reply;
    (void)arg;
    abort();
}

static int tries_all(struct things *t)
{
    alarm(60);
    tries_streams(t);
    tries_sockets(t);
    tries_files(t);
    tries_names(t);
    REFUSED(mr_loop_call(never, NULL, NULL));
    REFUSED(mr_loop_call(never, never, NULL));
    return wrong ? 1 : 0;
}

static void fork_and_try(struct things *t)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(tries_all(t));
    EXPECT(pid > 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
}

/* ---- The parent's ------------------------------------------------------- */

static void open_things(struct things *t)
{
    mr_address any;
    mr_walk_entry entry;
    EXPECT_EQ(mr_unix_pair(t->stream), 0);
    t->listener = listen_on_loopback(&t->at, 0);
    t->tcp = mr_connect(&t->at);
    EXPECT_EQ(mr_address_ip(&any, "127.0.0.1", 0), 0);
    t->datagrams = mr_udp_bind(&any, 0);
    strcpy(t->path, "/var/tmp/millrace-forked-XXXXXX");
    t->file = mr_file_temporary_named(t->path);
    EXPECT(t->tcp >= 0 && t->datagrams >= 0 && t->file >= 0);
    EXPECT_EQ(mr_file_write(t->file, "file", 4, 0), 4);
    EXPECT_EQ(mr_walk_open(&t->walk, t->path, 0), 0);
    EXPECT_EQ(mr_walk_next(&t->walk, &entry), 1);
}

/* All is as it was. */
static void use_things(struct things *t)
{
    char buf[4];
    mr_address at;
    EXPECT_EQ(mr_write(t->stream[0], "here", 4), 4);
    EXPECT_EQ(mr_read(t->stream[1], buf, 4), 4);
    EXPECT_EQ(mr_write(t->stream[1], "back", 4), 4);
    EXPECT_EQ(mr_read(t->stream[0], buf, 4), 4);
    mr_handle peer = mr_accept(t->listener);
    EXPECT_EQ(mr_write(t->tcp, "tcp!", 4), 4);
    EXPECT_EQ(mr_read(peer, buf, 4), 4);
    EXPECT_EQ(mr_close(peer), 0);
    EXPECT_EQ(mr_local_address(t->datagrams, &at), 0);
    EXPECT_EQ(mr_udp_send(t->datagrams, "udp!", 4, &at), 4);
    EXPECT_EQ(mr_udp_receive(t->datagrams, buf, 4, NULL), 4);
    EXPECT_EQ(mr_file_read(t->file, buf, 4, 0), 4);
    EXPECT(memcmp(buf, "file", 4) == 0);
}

static void close_things(struct things *t)
{
    mr_walk_entry entry;
    EXPECT_EQ(mr_walk_next(&t->walk, &entry), 0);
    mr_walk_close(&t->walk);
    EXPECT_EQ(mr_unlink(t->path), 0);
    EXPECT_EQ(mr_close(t->file), 0);
    EXPECT_EQ(mr_close(t->datagrams), 0);
    EXPECT_EQ(mr_close(t->tcp), 0);
    EXPECT_EQ(mr_close(t->listener), 0);
    close_pair(t->stream);
}

/* ---- A crowd that holds locks, in the parent ---------------------------- */

static bool over;

static int64_t goes_on(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        mr_handle end[2];
        mr_file_info info;
        char byte;
        EXPECT_EQ(mr_unix_pair(end), 0);
        EXPECT_EQ(mr_write(end[0], "!", 1), 1);
        EXPECT_EQ(mr_read(end[1], &byte, 1), 1);
        close_pair(end);
        EXPECT_EQ(mr_sleep(50 * MR_US), 0);
        EXPECT_EQ(mr_stat("/var/tmp", &info), 0);
    }
    return 0;
}

static int64_t forks(void *arg)
{
    mr_task task[4];
    (void)arg;
    over = false;
    for (int i = 0; i < 4; i++)
        mr_spawn(&task[i], goes_on, NULL);
    for (int i = 0; i < 20; i++) {
        struct things t;
        open_things(&t);
        fork_and_try(&t);
        use_things(&t);
        close_things(&t);
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    return 0;
}

TEST(io_forked, a_child_of_a_task_is_refused_and_harms_nobody)
{
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    alarm(100);
    EXPECT_EQ(run_with(1, forks, NULL), 0);
    EXPECT_EQ(run_with(3, forks, NULL), 0);
}

/* The child learns that it is one, not that a scope it once was in was cut, or
 * would be by now. */
static int64_t forks_in_cut_scopes(void *arg)
{
    struct things t;
    mr_scope scope;
    (void)arg;
    open_things(&t);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    fork_and_try(&t);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    mr_scope_open(&scope, mr_after(1));
    fork_and_try(&t);
    (void)!mr_scope_close(&scope);
    use_things(&t);
    close_things(&t);
    return 0;
}

TEST(io_forked, so_it_is_in_a_scope_that_was_cut)
{
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    alarm(100);
    EXPECT_EQ(run_with(2, forks_in_cut_scopes, NULL), 0);
}

/* ---- Forked by another thread ------------------------------------------- */

static int64_t opens(void *arg)
{
    open_things(arg);
    return 0;
}

static int64_t uses_and_closes(void *arg)
{
    use_things(arg);
    close_things(arg);
    return 0;
}

TEST(io_forked, a_child_of_another_thread_is_refused)
{
    mr_runtime *rt;
    struct things t;
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    alarm(100);
    EXPECT_EQ(mr_start(&rt, NULL), 0);
    EXPECT_EQ(mr_run(rt, opens, &t), 0);
    fork_and_try(&t);
    EXPECT_EQ(mr_run(rt, uses_and_closes, &t), 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
