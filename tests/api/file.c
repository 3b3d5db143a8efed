/* millrace/file.h: open files, and names. */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A directory of its own --------------------------------------------- */

/* On a disk, and in memory where there is such a file system. */
static const char *const places[] = {"/var/tmp", "/dev/shm"};

static char where[64];

/* For one task at a time, and two names in one call. Not a thread's: a task
 * changes threads, and a compiler that has seen this function keeps the first
 * one's address. */
static const char *at(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", where, name);
    return path[turn];
}

static void run_in(const char *place, mr_fn fn, unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    snprintf(where, sizeof where, "%s/millrace-XXXXXX", place);
    if (!mkdtemp(where))
        return; /* there is no such place here */
    EXPECT_EQ(mr_main(&config, fn, NULL), 0);
    EXPECT_EQ(rmdir(where), 0);
}

static void run_everywhere(mr_fn fn)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (unsigned workers = 1; workers <= 2; workers++)
            run_in(places[i], fn, workers);
}

static void run_here(mr_fn fn)
{
    run_in(places[0], fn, 2);
}

enum { RW = MR_FILE_READ | MR_FILE_WRITE, NEW = RW | MR_FILE_NEW };

/* ---- Bytes -------------------------------------------------------------- */

enum { SIZE = 1500000 };

static unsigned char byte_at(int64_t i)
{
    return (unsigned char)(i * 31 + (i >> 8));
}

static void fill(unsigned char *buf, int64_t offset, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        buf[i] = byte_at(offset + i);
}

static void expect_filled(const unsigned char *buf, int64_t offset,
                          int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (buf[i] != byte_at(offset + i))
            TEST_FAIL("byte %" PRId64 " is another", offset + i);
}

/* Not in memory any more, if the file system can. */
static void forget(const char *path)
{
    int fd = open(path, O_RDONLY);
    EXPECT(fd >= 0);
    EXPECT_EQ(fsync(fd), 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static void read_at(mr_handle f, unsigned char *buf, int64_t offset,
                    int64_t size)
{
    int64_t n = offset >= SIZE         ? 0
                : offset + size > SIZE ? SIZE - offset
                                       : size;
    memset(buf, 0xee, (size_t)size);
    EXPECT_EQ(mr_file_read(f, buf, (size_t)size, offset), n);
    expect_filled(buf, offset, n);
}

static int64_t writes_and_reads(void *arg)
{
    unsigned char *buf = malloc(SIZE + 10);
    (void)arg;
    mr_handle f = mr_file_open(at("data"), NEW, 0600);
    EXPECT(f >= 0);
    fill(buf, 0, SIZE);
    /* From the back: not in order, and over a hole. */
    EXPECT_EQ(mr_file_write(f, buf + 700000, SIZE - 700000, 700000),
              SIZE - 700000);
    EXPECT_EQ(mr_file_write(f, buf, 700000, 0), 700000);
    EXPECT_EQ(mr_file_write(f, buf, 0, 0), 0);
    for (int cold = 0; cold < 2; cold++) {
        if (cold)
            forget(at("data"));
        read_at(f, buf, 0, SIZE + 10);
        read_at(f, buf, 1, 1);
        read_at(f, buf, SIZE - 3, 10);
        read_at(f, buf, SIZE, 10);
        read_at(f, buf, INT64_C(1) << 40, 10);
        read_at(f, buf, 5000, 0);
    }
    EXPECT_EQ(mr_file_sync(f), 0);
    EXPECT_EQ(mr_file_sync_data(f), 0);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_file_read(f, buf, 1, 0), MR_EBADF);
    EXPECT_EQ(mr_unlink(at("data")), 0);
    free(buf);
    return 0;
}

TEST(file, what_is_written_is_read_cold_and_warm)
{
    run_everywhere(writes_and_reads);
}

/* A page that is in memory and one that is not, by turns. */
static int64_t reads_half_cold(void *arg)
{
    unsigned char *buf = malloc(SIZE);
    (void)arg;
    mr_handle f = mr_file_open(at("data"), NEW, 0600);
    fill(buf, 0, SIZE);
    EXPECT_EQ(mr_file_write(f, buf, SIZE, 0), SIZE);
    for (int64_t i = 0; i < 20; i++) {
        forget(at("data"));
        for (int64_t k = i; k * 65536 + 10 < SIZE; k += 2)
            read_at(f, buf, k * 65536, 10);
        read_at(f, buf, i * 100, SIZE);
    }
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_unlink(at("data")), 0);
    free(buf);
    return 0;
}

TEST(file, what_is_partly_in_memory_is_read_as_a_whole)
{
    run_everywhere(reads_half_cold);
}

static int64_t is_large(void *arg)
{
    const int64_t far = INT64_C(5) << 30;
    char buf[8] = "";
    mr_file_info info;
    (void)arg;
    mr_handle f = mr_file_open(at("large"), NEW, 0600);
    EXPECT_EQ(mr_file_write(f, "beyond", 6, far), 6);
    EXPECT_EQ(mr_file_read(f, buf, 6, far), 6);
    EXPECT_STR(buf, "beyond");
    EXPECT_EQ(mr_file_read(f, buf, 6, far - 3), 6);
    EXPECT(memcmp(buf, "\0\0\0bey", 6) == 0);
    EXPECT_EQ(mr_file_stat(f, &info), 0);
    EXPECT_EQ(info.size, far + 6);
    EXPECT(info.allocated < 1 << 20);
    EXPECT_EQ(mr_file_truncate(f, far * 2), 0);
    EXPECT_EQ(mr_stat(at("large"), &info), 0);
    EXPECT_EQ(info.size, far * 2);
    EXPECT_EQ(mr_file_truncate(f, 3), 0);
    EXPECT_EQ(mr_file_read(f, buf, 6, 0), 3);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_unlink(at("large")), 0);
    return 0;
}

TEST(file, beyond_4_gib_all_is_as_before)
{
    run_everywhere(is_large);
}

/* More than the kernel reads at once: 2 GiB less a page. All of it a hole. */
static int64_t reads_much(void *arg)
{
    const size_t much = (size_t)5 << 29;
    (void)arg;
    char *buf = malloc(much);
    mr_handle f = mr_file_open(at("much"), NEW, 0600);
    EXPECT(buf != NULL);
    EXPECT_EQ(mr_file_truncate(f, (int64_t)much), 0);
    EXPECT_EQ(mr_file_read(f, buf, much, 0), (int64_t)much);
    EXPECT_EQ(buf[0] | buf[much / 2] | buf[much - 1], 0);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_unlink(at("much")), 0);
    free(buf);
    return 0;
}

TEST(file, more_than_one_call_can_read_is_read)
{
    if (slow_is_sanitized() || !getenv("TEST_MUCH_MEMORY"))
        SKIP("needs gigabytes: set TEST_MUCH_MEMORY");
    run_here(reads_much);
}

static int64_t wrong_calls(void *arg)
{
    char buf[4];
    mr_walk walk;
    mr_handle pipe[2];
    (void)arg;
    mr_handle f = mr_file_open(at("x"), NEW, 0600);
    EXPECT_EQ(mr_file_open(at("y"), 0, 0), MR_EINVAL);
    EXPECT_EQ(mr_file_open(at("y"), MR_FILE_CREATE, 0), MR_EINVAL);
    EXPECT_EQ(mr_file_open(at("y"), MR_FILE_READ | 128, 0), MR_EINVAL);
    EXPECT_EQ(mr_file_open(at("y"), MR_FILE_READ, 0), MR_ENOENT);
    EXPECT_EQ(mr_file_open(at("y"), MR_FILE_READ, 0), MR_ENOENT);
    EXPECT_EQ(mr_file_open(at("x"), NEW, 0), MR_EEXIST);
    EXPECT_EQ(mr_file_open(at("x/y"), MR_FILE_READ, 0), MR_ENOTDIR);
    EXPECT_EQ(mr_file_open("", MR_FILE_READ, 0), MR_ENOENT);
    EXPECT_EQ(mr_file_read(f, buf, 1, -1), MR_EINVAL);
    EXPECT_EQ(mr_file_read(f, buf, SIZE_MAX, 1), MR_EINVAL);
    EXPECT_EQ(mr_file_write(f, buf, 2, INT64_MAX - 1), MR_EINVAL);
    EXPECT_EQ(mr_file_truncate(f, -1), MR_EINVAL);
    EXPECT_EQ(mr_file_read(-1, buf, 1, 0), MR_EBADF);
    EXPECT_EQ(mr_file_read(12345, buf, 1, 0), MR_EBADF);
    EXPECT_EQ(mr_close(f), 0);
    f = mr_file_open(at("x"), MR_FILE_READ, 0);
    EXPECT_EQ(mr_file_write(f, buf, 1, 0), MR_EBADF);
    EXPECT_EQ(mr_close(f), 0);
    f = mr_file_open(where, MR_FILE_READ, 0);
    EXPECT_EQ(mr_file_read(f, buf, 1, 0), MR_EISDIR);
    EXPECT_EQ(mr_file_sync(f), 0);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_pipe_open(pipe), 0);
    EXPECT_EQ(mr_file_read(pipe[0], buf, 1, 0), MR_EINVAL);
    EXPECT_EQ(mr_file_sync(pipe[0]), MR_EINVAL);
    mr_close(pipe[0]);
    mr_close(pipe[1]);
    EXPECT_EQ(mr_walk_open(&walk, "", 0), MR_EINVAL);
    EXPECT_EQ(mr_walk_open(&walk, "/", 2), MR_EINVAL);
    return mr_unlink(at("x"));
}

TEST(file, what_is_asked_for_wrongly_is_an_error)
{
    run_here(wrong_calls);
}

TEST(file, outside_of_tasks_nothing_is_done)
{
    mr_file_info info;
    mr_walk walk;
    mr_walk_entry entry;
    char text[] = "/tmp/XXXXXX";
    EXPECT_EQ(mr_file_open("/", MR_FILE_READ, 0), MR_EPERM);
    EXPECT_EQ(mr_file_read(0, text, 1, 0), MR_EPERM);
    EXPECT_EQ(mr_stat("/", &info), MR_EPERM);
    EXPECT_EQ(mr_mkdir("/tmp/x", 0700), MR_EPERM);
    EXPECT_EQ(mr_unlink("/tmp/x"), MR_EPERM);
    EXPECT_EQ(mr_mkdir_temporary(text), MR_EPERM);
    EXPECT_EQ(mr_file_temporary("/tmp"), MR_EPERM);
    EXPECT_EQ(mr_realpath("/", text, sizeof text), MR_EPERM);
    EXPECT_EQ(mr_walk_open(&walk, "/", 0), MR_EPERM);
    memset(&walk, 0, sizeof walk);
    EXPECT_EQ(mr_walk_next(&walk, &entry), MR_EPERM);
}

static int64_t appends(void *arg)
{
    char buf[16] = "";
    (void)arg;
    mr_handle f =
        mr_file_open(at("log"), MR_FILE_APPEND | MR_FILE_CREATE, 0600);
    EXPECT(f >= 0);
    EXPECT_EQ(mr_file_write(f, "one ", 4, 0), 4);
    EXPECT_EQ(mr_file_write(f, "two", 3, 0), 3);
    EXPECT_EQ(mr_close(f), 0);
    f = mr_file_open(at("log"), RW, 0);
    EXPECT_EQ(mr_file_read(f, buf, sizeof buf, 0), 7);
    EXPECT_STR(buf, "one two");
    EXPECT_EQ(mr_close(f), 0);
    f = mr_file_open(at("log"), RW | MR_FILE_TRUNCATE, 0);
    EXPECT_EQ(mr_file_read(f, buf, sizeof buf, 0), 0);
    EXPECT_EQ(mr_close(f), 0);
    return mr_unlink(at("log"));
}

TEST(file, append_and_truncate_do_what_they_say)
{
    run_everywhere(appends);
}

/* ---- What is no file ---------------------------------------------------- */

static int64_t opens_specials(void *arg)
{
    char buf[4];
    mr_file_info info;
    (void)arg;
    EXPECT_EQ(mkfifo(at("fifo"), 0600), 0);
    int64_t begun = mr_now();
    EXPECT_EQ(mr_file_open(at("fifo"), MR_FILE_WRITE, 0), MR_ENXIO);
    mr_handle in = mr_file_open(at("fifo"), MR_FILE_READ, 0);
    EXPECT(in >= 0);
    EXPECT_EQ(mr_file_stat(in, &info), 0);
    EXPECT_EQ(info.type, MR_TYPE_FIFO);
    EXPECT_EQ(mr_file_read(in, buf, 1, 0), MR_EINVAL);
    EXPECT_EQ(mr_read(in, buf, 1), 0);
    mr_handle out = mr_file_open(at("fifo"), MR_FILE_WRITE, 0);
    EXPECT_EQ(mr_write(out, "x", 1), 1);
    EXPECT_EQ(mr_read(in, buf, 2), 1);
    EXPECT_EQ(mr_close(in), 0);
    EXPECT_EQ(mr_close(out), 0);
    mr_handle zero = mr_file_open("/dev/zero", MR_FILE_READ, 0);
    EXPECT(zero >= 0);
    EXPECT_EQ(mr_read(zero, buf, 4), 4);
    EXPECT_EQ(mr_close(zero), 0);
    EXPECT(mr_now() - begun < 5 * MR_S);
    return mr_unlink(at("fifo"));
}

TEST(file, what_would_hang_is_opened_at_once)
{
    run_everywhere(opens_specials);
}

static int64_t reads_what_the_kernel_makes(void *arg)
{
    char buf[256];
    (void)arg;
    mr_handle f = mr_file_open("/proc/self/stat", MR_FILE_READ, 0);
    EXPECT(f >= 0);
    EXPECT(mr_file_read(f, buf, sizeof buf, 0) > 10);
    return mr_close(f);
}

TEST(file, proc_is_read)
{
    run_here(reads_what_the_kernel_makes);
}

/* A file is a stream too, at its position. */
static int64_t streams(void *arg)
{
    char buf[8] = "";
    (void)arg;
    mr_handle f = mr_file_open(at("s"), NEW, 0600);
    EXPECT_EQ(mr_write(f, "mill", 4), 4);
    EXPECT_EQ(mr_write(f, "race", 4), 4);
    EXPECT_EQ(mr_read(f, buf, 8), 0);
    EXPECT_EQ(mr_file_read(f, buf, 4, 4), 4);
    EXPECT_STR(buf, "race");
    EXPECT_EQ(mr_close(f), 0);
    return mr_unlink(at("s"));
}

TEST(file, a_file_is_a_stream_as_well)
{
    run_everywhere(streams);
}

/* ---- Names -------------------------------------------------------------- */

static int64_t looks(void *arg)
{
    mr_file_info a, b;
    struct stat st;
    (void)arg;
    mr_handle f = mr_file_open(at("a"), NEW, 0640);
    EXPECT_EQ(mr_file_write(f, "12345", 5, 0), 5);
    EXPECT_EQ(mr_symlink("a", at("to a")), 0);
    EXPECT_EQ(mr_stat(at("to a"), &a), 0);
    EXPECT_EQ(mr_file_stat(f, &b), 0);
    EXPECT(memcmp(&a, &b, sizeof a) == 0);
    EXPECT_EQ(stat(at("a"), &st), 0);
    EXPECT_EQ(a.type, MR_TYPE_FILE);
    EXPECT_EQ(a.size, 5);
    EXPECT_EQ(a.id, st.st_ino);
    EXPECT_EQ(a.mode, st.st_mode & 07777U);
    EXPECT_EQ(a.links, 1);
    EXPECT_EQ(a.user, st.st_uid);
    EXPECT_EQ(a.modified,
              st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
    EXPECT_EQ(mr_lstat(at("to a"), &b), 0);
    EXPECT_EQ(b.type, MR_TYPE_LINK);
    EXPECT_EQ(b.size, 1);
    EXPECT_EQ(mr_stat(where, &b), 0);
    EXPECT_EQ(b.type, MR_TYPE_DIRECTORY);
    EXPECT_EQ(mr_stat(at("none"), &b), MR_ENOENT);
    EXPECT_EQ(mr_stat("/dev/null", &b), 0);
    EXPECT_EQ(b.type, MR_TYPE_CHARACTERS);
    EXPECT_EQ(mr_file_open(at("to a"), MR_FILE_READ | MR_FILE_NO_FOLLOW, 0),
              MR_ELOOP);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_unlink(at("to a")), 0);
    return mr_unlink(at("a"));
}

TEST(file, what_is_there_is_told)
{
    run_everywhere(looks);
}

static int64_t names(void *arg)
{
    char text[PATH_MAX], real[PATH_MAX];
    (void)arg;
    EXPECT_EQ(mr_mkdir(at("d"), 0700), 0);
    EXPECT_EQ(mr_mkdir(at("d"), 0700), MR_EEXIST);
    EXPECT_EQ(mr_close(mr_file_open(at("d/f"), NEW, 0600)), 0);
    EXPECT_EQ(mr_rmdir(at("d")), MR_ENOTEMPTY);
    EXPECT_EQ(mr_rename(at("d/f"), at("d/g\n")), 0);
    EXPECT_EQ(mr_rename(at("d/f"), at("d/g")), MR_ENOENT);
    EXPECT_EQ(mr_symlink("d/../d/g\n", at("l")), 0);
    EXPECT_EQ(mr_readlink(at("l"), text, sizeof text), 9);
    EXPECT_STR(text, "d/../d/g\n");
    EXPECT_EQ(mr_readlink(at("l"), text, 10), 9);
    EXPECT_EQ(mr_readlink(at("l"), text, 9), MR_ERANGE);
    EXPECT_EQ(mr_readlink(at("l"), text, 0), MR_ERANGE);
    EXPECT_EQ(mr_readlink(at("d"), text, 9), MR_EINVAL);
    EXPECT(realpath(at("d/g\n"), real) != NULL);
    EXPECT_EQ(mr_realpath(at("l"), text, sizeof text), strlen(real));
    EXPECT_STR(text, real);
    EXPECT_EQ(mr_realpath(at("l"), text, strlen(real)), MR_ERANGE);
    EXPECT_EQ(mr_realpath(at("none"), text, sizeof text), MR_ENOENT);
    EXPECT_EQ(mr_unlink(at("d")), MR_EISDIR);
    EXPECT_EQ(mr_unlink(at("l")), 0);
    EXPECT_EQ(mr_unlink(at("d/g\n")), 0);
    return mr_rmdir(at("d"));
}

TEST(file, names_are_made_changed_and_removed)
{
    run_everywhere(names);
}

static int64_t temporaries(void *arg)
{
    char path[128], directory[128], buf[4];
    mr_file_info info;
    (void)arg;
    mr_handle f = mr_file_temporary(where);
    EXPECT(f >= 0);
    EXPECT_EQ(mr_file_write(f, "gone", 4, 0), 4);
    EXPECT_EQ(mr_file_read(f, buf, 4, 0), 4);
    EXPECT_EQ(mr_file_stat(f, &info), 0);
    EXPECT_EQ(info.links, 0);
    EXPECT_EQ(mr_close(f), 0);
    strcpy(path, at("n-XXXXXX"));
    f = mr_file_temporary_named(path);
    EXPECT(f >= 0);
    EXPECT(!strstr(path, "XXXXXX"));
    EXPECT_EQ(mr_lstat(path, &info), 0);
    EXPECT_EQ(info.mode, 0600);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_unlink(path), 0);
    strcpy(path, at("n-XXXX"));
    EXPECT_EQ(mr_file_temporary_named(path), MR_EINVAL);
    EXPECT_EQ(mr_file_temporary(at("none")), MR_ENOENT);
    strcpy(directory, at("d-XXXXXX"));
    EXPECT_EQ(mr_mkdir_temporary(directory), 0);
    return mr_rmdir(directory);
}

TEST(file, temporary_files_have_no_name_or_one_of_their_own)
{
    run_everywhere(temporaries);
}

/* A path of more than PATH_MAX bytes: opened and looked at, not changed. */
static int64_t long_paths(void *arg)
{
    enum { DEEP = 25 };
    static char name[201], path[DEEP * 201 + 200];
    mr_file_info info;
    (void)arg;
    memset(name, 'n', sizeof name - 1);
    int up = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(chdir(where), 0);
    strcpy(path, where);
    for (int i = 0; i < DEEP; i++) {
        EXPECT_EQ(mkdir(name, 0700), 0);
        EXPECT_EQ(chdir(name), 0);
        strcat(strcat(path, "/"), name);
    }
    EXPECT_EQ(mr_stat(path, &info), 0);
    EXPECT_EQ(info.type, MR_TYPE_DIRECTORY);
    strcat(path, "///");
    EXPECT_EQ(mr_stat(path, &info), 0);
    strcat(path, "f");
    EXPECT_EQ(mr_stat(path, &info), MR_ENOENT);
    EXPECT_EQ(mr_close(mr_file_open(path, NEW, 0600)), 0);
    EXPECT_EQ(mr_close(mr_file_open(path, MR_FILE_READ, 0)), 0);
    EXPECT_EQ(mr_lstat(path, &info), 0);
    EXPECT_EQ(info.type, MR_TYPE_FILE);
    EXPECT_EQ(mr_unlink(path), MR_ENAMETOOLONG);
    EXPECT_EQ(unlink("f"), 0);
    memset(path, 'x', sizeof path - 1);
    EXPECT_EQ(mr_stat(path, &info), MR_ENAMETOOLONG);
    for (int i = 0; i < DEEP; i++) {
        EXPECT_EQ(chdir(".."), 0);
        EXPECT_EQ(rmdir(name), 0);
    }
    EXPECT_EQ(fchdir(up), 0);
    close(up);
    return 0;
}

TEST(file, paths_may_be_longer_than_the_system_takes)
{
    run_everywhere(long_paths);
}

/* ---- Together ----------------------------------------------------------- */

enum { MANY = 64, PART = 20000 };

static mr_handle shared;

static int64_t one_of_many(void *arg)
{
    int64_t i = (int64_t)(intptr_t)arg;
    unsigned char *buf = malloc(PART);
    for (int round = 0; round < 5; round++) {
        fill(buf, i * PART, PART);
        EXPECT_EQ(mr_file_write(shared, buf, PART, i * PART), PART);
        memset(buf, 0, PART);
        EXPECT_EQ(mr_file_read(shared, buf, PART, i * PART), PART);
        expect_filled(buf, i * PART, PART);
        if (i % 16 == 0)
            EXPECT_EQ(mr_file_sync_data(shared), 0);
    }
    free(buf);
    return 0;
}

static int64_t many_at_once(void *arg)
{
    mr_task task[MANY];
    (void)arg;
    shared = mr_file_open(at("shared"), NEW, 0600);
    for (int i = 0; i < MANY; i++)
        mr_spawn(&task[i], one_of_many, (void *)(intptr_t)i);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    EXPECT_EQ(mr_close(shared), 0);
    return mr_unlink(at("shared"));
}

TEST(file, many_tasks_use_one_file_at_once)
{
    run_everywhere(many_at_once);
}

static int64_t cut_short(void *arg)
{
    mr_scope scope;
    mr_file_info info;
    char buf[1];
    (void)arg;
    mr_handle f = mr_file_open(at("cut"), NEW, 0600);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_file_read(f, buf, 1, 0), MR_ECANCELED);
    EXPECT_EQ(mr_file_write(f, buf, 1, 0), MR_ECANCELED);
    EXPECT_EQ(mr_file_sync(f), MR_ECANCELED);
    EXPECT_EQ(mr_stat(where, &info), MR_ECANCELED);
    EXPECT_EQ(mr_unlink(at("cut")), MR_ECANCELED);
    EXPECT_EQ(mr_file_open(at("cut"), MR_FILE_READ, 0), MR_ECANCELED);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    return mr_unlink(at("cut"));
}

TEST(file, in_a_scope_that_was_cut_short_nothing_begins)
{
    run_here(cut_short);
}

/* Signals interrupt what they can. */
static bool over;

static void on_signal(int number)
{
    (void)number;
}

static void *pesters(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        kill(getpid(), SIGUSR1);
        usleep(50);
    }
    return NULL;
}

TEST(file, signals_change_nothing)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    pthread_t thread;
    sigaction(SIGUSR1, &action, &before);
    over = false;
    EXPECT_EQ(pthread_create(&thread, NULL, pesters, NULL), 0);
    run_here(many_at_once);
    run_here(names);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    sigaction(SIGUSR1, &before, NULL);
}

static int64_t forks(void *arg)
{
    char buf[1];
    mr_handle f = mr_file_open(at("f"), NEW, 0600);
    (void)arg;
    pid_t pid = fork();
    if (pid == 0)
        _exit(mr_file_read(f, buf, 1, 0) == MR_EPERM &&
                      mr_unlink(at("f")) == MR_EPERM
                  ? 0
                  : 1);
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(mr_close(f), 0);
    return mr_unlink(at("f"));
}

TEST(file, a_child_of_fork_is_refused)
{
    if (slow_is_sanitized())
        SKIP("the sanitizer's own threads are not in the child");
    run_here(forks);
}
