/* The mixed load's files, timers, computations, and what other threads do for
 * a task. */
#include "mixed.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

/* ---- Files -------------------------------------------------------------- */

static int named;

/* One that no other task has. */
static void make_name(const mixed *m, char *out, size_t size)
{
    snprintf(out, size, "%s/%d", m->where,
             __atomic_fetch_add(&named, 1, __ATOMIC_RELAXED));
}

/* What the system has of the file in memory goes to the disk. */
static void make_cold(mr_handle file, const char *path)
{
    EXPECT_EQ(mr_file_sync_data(file), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0);
    EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

static void write_file(mr_handle file, uint64_t id, size_t size, uint64_t *seed)
{
    char buf[9000];
    for (size_t at = 0; at < size;) {
        size_t n = 1 + mixed_below(seed, sizeof buf);
        n = n < size - at ? n : size - at;
        mixed_fill(buf, n, id, at);
        EXPECT_EQ(mr_file_write(file, buf, n, (int64_t)at), n);
        at += n;
    }
}

/* Any part of it, the end too. */
static void read_file(mr_handle file, uint64_t id, size_t size, uint64_t *seed)
{
    char buf[9000];
    for (int i = 0; i < 20; i++) {
        size_t at = mixed_below(seed, (unsigned)size + 1),
               n = 1 + mixed_below(seed, sizeof buf),
               there = n < size - at ? n : size - at;
        EXPECT_EQ(mr_file_read(file, buf, n, (int64_t)at), there);
        mixed_expect(buf, there, id, at);
    }
}

static void files(const mixed *m, uint64_t *seed)
{
    char path[100], moved[100];
    uint64_t id = mixed_next(seed);
    size_t size = 1 + mixed_below(seed, 100000);
    mr_file_info info;
    make_name(m, path, sizeof path);
    make_name(m, moved, sizeof moved);
    mr_handle file =
        mr_file_open(path, MR_FILE_READ | MR_FILE_WRITE | MR_FILE_NEW, 0600);
    EXPECT(file >= 0);
    write_file(file, id, size, seed);
    if (mixed_below(seed, 8) == 0)
        make_cold(file, path);
    read_file(file, id, size, seed);
    EXPECT_EQ(mr_rename(path, moved), 0);
    EXPECT_EQ(mr_stat(path, &info), MR_ENOENT);
    EXPECT_EQ(mr_stat(moved, &info), 0);
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(mr_unlink(moved), 0);
    EXPECT_EQ(mr_close(file), 0);
}

static void temporary_files(const mixed *m, uint64_t *seed)
{
    uint64_t id = mixed_next(seed);
    size_t size = 1 + mixed_below(seed, 50000);
    mr_handle file = mr_file_temporary(m->where);
    EXPECT(file >= 0);
    write_file(file, id, size, seed);
    read_file(file, id, size, seed);
    EXPECT_EQ(mr_file_truncate(file, (int64_t)size / 2), 0);
    read_file(file, id, size / 2, seed);
    EXPECT_EQ(mr_close(file), 0);
}

/* In a scope that is cut at any moment: what was begun is done, and told so. */
static void files_are_cut(const mixed *m, uint64_t *seed)
{
    char buf[3000];
    uint64_t id = mixed_next(seed);
    int64_t rc = 0, at = 0;
    mr_scope scope;
    mr_handle file = mr_file_temporary(m->where);
    EXPECT(file >= 0);
    mr_scope_open(&scope, mr_after(mixed_below(seed, 3000) * MR_US));
    for (; rc >= 0; at += rc > 0 ? rc : 0) {
        mixed_fill(buf, sizeof buf, id, (uint64_t)at);
        rc = mr_file_write(file, buf, sizeof buf, at);
    }
    EXPECT_EQ(rc, MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    mr_file_info info;
    EXPECT_EQ(mr_file_stat(file, &info), 0);
    EXPECT_EQ(info.size, at);
    read_file(file, id, (size_t)at, seed);
    EXPECT_EQ(mr_close(file), 0);
}

static void walks(const mixed *m, uint64_t *seed)
{
    char top[100], path[120];
    unsigned n = mixed_below(seed, 40), met = 0;
    mr_walk walk;
    mr_walk_entry entry;
    int rc;
    make_name(m, top, sizeof top);
    EXPECT_EQ(mr_mkdir(top, 0700), 0);
    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%u", top, i);
        EXPECT_EQ(mr_mkdir(path, 0700), 0);
    }
    EXPECT_EQ(mr_walk_open(&walk, top, 0), 0);
    while ((rc = mr_walk_next(&walk, &entry)) == 1)
        met += entry.error == 0 && entry.type == MR_TYPE_DIRECTORY;
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(met, n + 1);
    mr_walk_close(&walk);
    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%u", top, i);
        EXPECT_EQ(mr_rmdir(path), 0);
    }
    EXPECT_EQ(mr_rmdir(top), 0);
}

/* ---- Time --------------------------------------------------------------- */

static void sleeps(const mixed *m, uint64_t *seed)
{
    int64_t until = mr_after(mixed_below(seed, 3000) * MR_US);
    mr_interval interval;
    mr_scope scope;
    EXPECT_EQ(mr_sleep_until(until), 0);
    EXPECT(mr_now() >= until);
    EXPECT_EQ(mr_interval_open(&interval, 200 * MR_US), 0);
    EXPECT(mr_interval_wait(&interval) > 0);
    until = mr_after(mixed_below(seed, 1000) * MR_US);
    mr_scope_open(&scope, until);
    EXPECT_EQ(mr_sleep(m->pause + MR_S), MR_ECANCELED);
    EXPECT(mr_now() >= until);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
}

/* ---- Computations ------------------------------------------------------- */

MR_FORKABLE(int64_t, fib, int64_t, n)
{
    if (n < 2)
        return n;
    MR_CHILD(fib, other);
    MR_SPAWN(fib, other, n - 1);
    int64_t sum = MR_CALL(fib, n - 2);
    return sum + MR_AWAIT(fib, other);
}

static int64_t fib_by_pointer(void *arg)
{
    int64_t n = *(const int64_t *)arg;
    int64_t less[2] = {n - 1, n - 2};
    mr_task other;
    if (n < 2)
        return n;
    mr_spawn(&other, fib_by_pointer, &less[0]);
    int64_t sum = fib_by_pointer(&less[1]);
    if (n % 7 == 0)
        mr_yield();
    return sum + mr_await(&other);
}

static void computes(const mixed *m, uint64_t *seed)
{
    int64_t n = 15;
    (void)m;
    EXPECT_EQ(fib(20), 6765);
    EXPECT_EQ(fib_by_pointer(&n), 610);
    EXPECT_EQ(mr_sleep(mixed_below(seed, 1000) * MR_US), 0);
}

/* ---- Other threads ------------------------------------------------------ */

static int64_t naps(void *arg)
{
    uint64_t *seed = arg;
    usleep(mixed_below(seed, 5000));
    return (int64_t)(*seed >> 1);
}

static void blocks(const mixed *m, uint64_t *seed)
{
    (void)m;
    int64_t rc = mr_blocking(naps, seed);
    EXPECT_EQ(rc, *seed >> 1);
}

struct ring {
    uv_timer_t timer;
    mr_loop_reply *reply;
    uint64_t after;
    int64_t answer;
};

static void answers(uv_handle_t *handle)
{
    struct ring *r = handle->data;
    mr_loop_answer(r->reply, r->answer);
}

static void rings(uv_timer_t *timer)
{
    if (!uv_is_closing((uv_handle_t *)timer))
        uv_close((uv_handle_t *)timer, answers);
}

static void sets(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct ring *r = arg;
    EXPECT_EQ(uv_timer_init(loop, &r->timer), 0);
    r->timer.data = r;
    r->reply = reply;
    EXPECT_EQ(uv_timer_start(&r->timer, rings, r->after, 0), 0);
}

static void cancels(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct ring *r = arg;
    (void)loop;
    (void)reply;
    if (uv_is_closing((uv_handle_t *)&r->timer))
        return;
    r->answer = MR_ECANCELED;
    uv_close((uv_handle_t *)&r->timer, answers);
}

static void calls_libuv(const mixed *m, uint64_t *seed)
{
    struct ring r = {.after = mixed_below(seed, 5), .answer = 5};
    mr_scope scope;
    (void)m;
    mr_scope_open(&scope, mr_after(mixed_below(seed, 8000) * MR_US));
    int64_t rc = mr_loop_call(sets, cancels, &r);
    EXPECT(rc == 5 || rc == MR_ECANCELED);
    (void)!mr_scope_close(&scope);
}

/* ---- Descriptors from elsewhere ----------------------------------------- */

struct bell {
    int fd;
    int64_t after;
};

static int64_t is_rung(void *arg)
{
    struct bell *b = arg;
    (void)mr_sleep(b->after);
    return write(b->fd, "!", 1);
}

static void waits_for_another(const mixed *m, uint64_t *seed)
{
    int fd[2];
    mr_task task;
    mr_scope scope;
    (void)m;
    EXPECT_EQ(pipe(fd), 0);
    struct bell b = {fd[1], mixed_below(seed, 2000) * MR_US};
    mr_spawn(&task, is_rung, &b);
    mr_scope_open(&scope, mr_after(mixed_below(seed, 3000) * MR_US));
    int64_t rc = mr_fd_wait(fd[0], MR_READABLE);
    EXPECT(rc == MR_READABLE || rc == MR_ECANCELED);
    (void)!mr_scope_close(&scope);
    EXPECT_EQ(mr_fd_wait(fd[0], MR_READABLE), MR_READABLE);
    EXPECT_EQ(mr_await(&task), 1);
    close(fd[0]);
    close(fd[1]);
}

mixed_kind mixed_local[] = {
    {"files", files, 2, 0},
    {"temporary files", temporary_files, 1, 0},
    {"files are cut", files_are_cut, 1, 0},
    {"walks", walks, 1, 0},
    {"sleeps", sleeps, 4, 0},
    {"computes", computes, 2, 0},
    {"blocks", blocks, 3, 0},
    {"calls libuv", calls_libuv, 2, 0},
    {"another's descriptor", waits_for_another, 2, 0},
    {NULL, NULL, 0, 0},
};
