/* Files where the disk, the system or somebody else refuses. */
#define _GNU_SOURCE
#include "faults.h"
#include "slow.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <millrace.h>
#include <stdatomic.h>
#include <unistd.h>
#include <uv.h>

static char where[64];
static char path[3][128];

static void enter_new(const char *place)
{
    snprintf(where, sizeof where, "%s/millrace-XXXXXX", place);
    EXPECT(mkdtemp(where) != NULL);
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%c", where, "abd"[i]);
}

static void leave(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", where);
    EXPECT_EQ(system(command), 0);
}

/* How many descriptors this process has open. */
static int open_now(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    EXPECT(d != NULL);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void forget(const char *name)
{
    int fd = open(name, O_RDONLY);
    EXPECT(fd >= 0);
    EXPECT_EQ(fsync(fd), 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

enum { NEW = MR_FILE_READ | MR_FILE_WRITE | MR_FILE_NEW };

/* ---- Each call refused once --------------------------------------------- */

static int64_t bytes(mr_handle f)
{
    static char buf[100000];
    mr_file_info info;
    int64_t rc = mr_file_write(f, buf, sizeof buf, 0);
    if (rc >= 0)
        rc = mr_file_sync_data(f);
    forget(path[0]);
    if (rc >= 0)
        rc = mr_file_read(f, buf, sizeof buf, 0);
    if (rc >= 0)
        rc = mr_file_read(f, buf, sizeof buf, 0);
    if (rc >= 0)
        rc = mr_file_truncate(f, 10);
    if (rc >= 0)
        rc = mr_file_stat(f, &info);
    return rc < 0 ? rc : mr_file_sync(f);
}

static int64_t names(void)
{
    char text[4096];
    mr_file_info info;
    int64_t rc = mr_stat(path[0], &info);
    if (rc >= 0)
        rc = mr_rename(path[0], path[1]);
    if (rc >= 0)
        rc = mr_symlink("b", path[0]);
    if (rc >= 0)
        rc = mr_readlink(path[0], text, sizeof text);
    if (rc >= 0)
        rc = mr_realpath(path[0], text, sizeof text);
    return rc < 0 ? rc : mr_mkdir(path[2], 0700);
}

/* The first error of those that it meets. */
static int64_t walks(void)
{
    mr_walk w;
    mr_walk_entry e;
    int64_t error = 0, rc = mr_walk_open(&w, where, MR_WALK_FOLLOW);
    if (rc < 0)
        return rc;
    while ((rc = mr_walk_next(&w, &e)) == 1)
        error = error ? error : e.error;
    mr_walk_close(&w);
    return rc < 0 ? rc : error;
}

static int64_t temporaries(void)
{
    char name[128];
    mr_handle f = mr_file_temporary(where);
    if (f < 0)
        return f;
    int rc = mr_close(f);
    snprintf(name, sizeof name, "%s/XXXXXX", where);
    f = rc < 0 ? rc : mr_file_temporary_named(name);
    if (f < 0)
        return f;
    rc = mr_close(f);
    snprintf(name, sizeof name, "%s/XXXXXX", where);
    return rc < 0 ? rc : mr_mkdir_temporary(name);
}

static int64_t removes(void)
{
    int64_t rc = mr_rmdir(path[2]);
    return rc < 0 ? rc : mr_unlink(path[0]);
}

static int64_t scenario(void)
{
    mr_handle f = mr_file_open(path[0], NEW, 0600);
    if (f < 0)
        return f;
    int64_t rc = bytes(f);
    int closed = mr_close(f);
    rc = rc < 0 ? rc : closed;
    rc = rc < 0 ? rc : names();
    rc = rc < 0 ? rc : walks();
    rc = rc < 0 ? rc : temporaries();
    return rc < 0 ? rc : removes();
}

/* Of files; and without it one asks more often. */
static bool is_spared(const char *call)
{
    static const char *const mine[] = {
        "openat",  "openat2",  "statx",    "mkostemp",  "mkdtemp",
        "pread",   "pwrite",   "preadv2",  "pwritev2",  "fsync",
        "rename",  "unlink",   "mkdir",    "rmdir",     "fdatasync",
        "symlink", "readlink", "realpath", "ftruncate", "getdents64",
    };
    for (size_t i = 0; i < sizeof mine / sizeof mine[0]; i++)
        if (strcmp(call, mine[i]) == 0)
            return false;
    return true;
}

static int64_t each_once(void *arg)
{
    int error = *(int *)arg, refused = 0;
    /* What a runtime opens for good. */
    EXPECT_EQ(mr_close(mr_file_open("/", MR_FILE_READ, 0)), 0);
    for (int n = 1;; n++) {
        enter_new("/var/tmp");
        int before = open_now();
        faults_spare(is_spared);
        faults_arm(n, error);
        int64_t rc = scenario();
        bool hit = faults_disarm();
        faults_spare(NULL);
        EXPECT_EQ(open_now(), before);
        leave();
        if (!hit) {
            EXPECT_EQ(rc, 0);
            return refused;
        }
        if (rc != -error)
            TEST_FAIL("%s, refused, is %" PRId64, faults_last(), rc);
        refused++;
    }
}

TEST(faults_file, each_call_that_is_refused_is_told_to_who_made_it)
{
    int errors[] = {EIO, ENOSPC, EROFS};
    for (int i = 0; i < 3; i++) {
        mr_config config = {.size = sizeof config, .workers = 1};
        EXPECT(mr_main(&config, each_once, &errors[i]) > 25);
    }
}

static int64_t each_interrupted(void *arg)
{
    bool hit = true;
    int n = 0;
    (void)arg;
    while (hit) {
        enter_new("/var/tmp");
        faults_spare(is_spared);
        faults_arm(++n, EINTR);
        int64_t rc = scenario();
        hit = faults_disarm();
        faults_spare(NULL);
        leave();
        if (rc != 0)
            TEST_FAIL("%s, interrupted, is %" PRId64, faults_last(), rc);
    }
    return n;
}

TEST(faults_file, each_call_that_a_signal_ends_is_made_again)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT(mr_main(&config, each_interrupted, NULL) > 25);
}

/* ---- Other ways --------------------------------------------------------- */

static int64_t goes_another_way(void *arg)
{
    static const struct {
        const char *call;
        int error;
    } refusal[] = {
        {"openat2", ENOSYS},  {"openat2", EPERM},   {"openat2", EINVAL},
        {"openat2", EAGAIN},  {"preadv2", EAGAIN},  {"preadv2", EOPNOTSUPP},
        {"pwritev2", EAGAIN}, {"pwritev2", ENOSYS}, {"fstatfs", ENOSYS},
        {"openat2", E2BIG},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof refusal / sizeof refusal[0]; i++) {
        enter_new(i % 2 ? "/var/tmp" : "/dev/shm");
        faults_arm_call(refusal[i].call, 1, refusal[i].error, true);
        int64_t rc = scenario();
        (void)faults_disarm();
        if (rc != 0)
            TEST_FAIL("without %s it is %" PRId64, refusal[i].call, rc);
        leave();
    }
    return 0;
}

TEST(faults_file, what_a_system_does_not_know_is_done_another_way)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    EXPECT_EQ(mr_main(&config, goes_another_way, NULL), 0);
}

static int64_t has_no_unnamed_files(void *arg)
{
    (void)arg;
    enter_new("/var/tmp");
    faults_arm_call("openat", 1, EOPNOTSUPP, false);
    mr_handle f = mr_file_temporary(where);
    EXPECT(faults_disarm());
    EXPECT(f >= 0);
    EXPECT_EQ(mr_file_write(f, "x", 1, 0), 1);
    EXPECT_EQ(mr_close(f), 0);
    EXPECT_EQ(rmdir(where), 0);
    return 0;
}

TEST(faults_file, a_temporary_file_has_a_name_for_a_moment_if_need_be)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT_EQ(mr_main(&config, has_no_unnamed_files, NULL), 0);
}

/* ---- A disk that is full ------------------------------------------------ */

static int64_t writes_to_full(void *arg)
{
    (void)arg;
    mr_handle f = mr_file_open("/dev/full", MR_FILE_WRITE, 0);
    EXPECT(f >= 0);
    EXPECT_EQ(mr_write(f, "x", 1), MR_ENOSPC);
    EXPECT_EQ(mr_close(f), 0);
    return 0;
}

/* It ends after some of it was written. */
static int64_t runs_full(void *arg)
{
    static char buf[100000];
    (void)arg;
    enter_new("/var/tmp");
    mr_handle f = mr_file_open(path[0], NEW, 0600);
    faults_arm_call("pwritev2", 1, EAGAIN, true);
    EXPECT_EQ(mr_file_write(f, buf, sizeof buf, 0), sizeof buf);
    (void)faults_disarm();
    faults_arm_call("pwrite", 1, ENOSPC, false);
    EXPECT_EQ(mr_file_write(f, buf, sizeof buf, sizeof buf), MR_ENOSPC);
    EXPECT(faults_disarm());
    EXPECT_EQ(mr_file_write(f, buf, sizeof buf, sizeof buf), sizeof buf);
    EXPECT_EQ(mr_close(f), 0);
    leave();
    return 0;
}

TEST(faults_file, a_full_disk_is_told)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT_EQ(mr_main(&config, writes_to_full, NULL), 0);
    EXPECT_EQ(mr_main(&config, runs_full, NULL), 0);
}

/* ---- No memory, no threads ---------------------------------------------- */

static struct {
    atomic_int nth, out;
} memory;

static void *allocates(void *context, size_t size, size_t align)
{
    void *got = NULL;
    (void)context;
    if (atomic_fetch_sub(&memory.nth, 1) == 1)
        return NULL;
    if (posix_memalign(&got, align, size) == 0)
        memory.out++;
    return got;
}

static void releases(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    memory.out--;
    free(at);
}

/* Refused a piece of memory, the walk goes on where it was. */
static int64_t walks_without_memory(void *arg)
{
    int refused = 0;
    (void)arg;
    enter_new("/var/tmp");
    EXPECT_EQ(mr_mkdir(path[2], 0700), 0);
    for (int i = 0; i < 100; i++) {
        char name[400];
        snprintf(name, sizeof name, "%s/%0*d", path[2], i + 20, i);
        EXPECT_EQ(mr_close(mr_file_open(name, NEW, 0600)), 0);
    }
    for (int n = 1, hit = 1; hit; n++) {
        mr_walk w;
        mr_walk_entry e;
        int rc, met = 0;
        memory.nth = n;
        while ((rc = mr_walk_open(&w, where, 0)) == MR_ENOMEM)
            refused++;
        EXPECT_EQ(rc, 0);
        while ((rc = mr_walk_next(&w, &e)) != 0) {
            EXPECT(rc == 1 || rc == MR_ENOMEM);
            EXPECT(rc < 0 || e.error == 0);
            refused += rc < 0;
            met += rc > 0;
        }
        EXPECT_EQ(met, 102);
        mr_walk_close(&w);
        hit = memory.nth <= 0;
    }
    memory.nth = 0;
    leave();
    return refused;
}

TEST(faults_file, a_walk_goes_on_where_memory_was_refused)
{
    mr_config config = {.size = sizeof config,
                        .workers = 1,
                        .allocate = allocates,
                        .release = releases};
    EXPECT(mr_main(&config, walks_without_memory, NULL) >= 4);
    EXPECT_EQ(memory.out, 0);
}

static int64_t has_no_thread(void *arg)
{
    mr_walk w;
    mr_walk_entry e;
    (void)arg;
    enter_new("/var/tmp");
    faults_arm_call("pthread_create", 1, EAGAIN, true);
    EXPECT_EQ(mr_mkdir(path[2], 0700), MR_EAGAIN);
    EXPECT_EQ(mr_file_open(path[0], NEW, 0600), MR_EAGAIN);
    EXPECT_EQ(mr_file_temporary(where), MR_EAGAIN);
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    EXPECT_EQ(mr_walk_next(&w, &e), 1);
    EXPECT_EQ(mr_walk_next(&w, &e), MR_EAGAIN);
    /* What is in memory needs none. */
    EXPECT_EQ(mr_close(mr_file_open("/dev/null", MR_FILE_READ, 0)), 0);
    EXPECT(faults_disarm());
    EXPECT_EQ(mr_walk_next(&w, &e), 0);
    mr_walk_close(&w);
    EXPECT_EQ(rmdir(where), 0);
    return 0;
}

TEST(faults_file, without_a_thread_nothing_is_done_and_told)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT_EQ(mr_main(&config, has_no_thread, NULL), 0);
}

/* ---- libuv is busy ------------------------------------------------------ */

enum { HOGS = 16 };

static struct hog {
    uv_work_t work;
    mr_loop_reply *reply;
} hog[HOGS];

static atomic_bool over;

static void hogs(uv_work_t *work)
{
    (void)work;
    while (!over)
        usleep(1000);
}

static void hogged(uv_work_t *work, int status)
{
    EXPECT_EQ(status, 0);
    mr_loop_answer(((struct hog *)work->data)->reply, 0);
}

static void begins_hog(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct hog *h = arg;
    h->reply = reply;
    h->work.data = h;
    EXPECT_EQ(uv_queue_work(loop, &h->work, hogs, hogged), 0);
}

/* And it holds up the loop itself. */
static void holds_up(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)arg;
    while (!over)
        usleep(1000);
    mr_loop_answer(reply, 0);
}

static int64_t one_hog(void *arg)
{
    return mr_loop_call(arg ? begins_hog : holds_up, NULL, arg);
}

static int64_t beside_hogs(void *arg)
{
    mr_task task[HOGS + 1];
    (void)arg;
    over = false;
    for (int i = 0; i < HOGS; i++)
        mr_spawn(&task[i], one_hog, &hog[i]);
    mr_sleep(5 * MR_MS);
    mr_spawn(&task[HOGS], one_hog, NULL);
    mr_sleep(5 * MR_MS);
    for (int i = 0; i < 20; i++) {
        enter_new("/var/tmp");
        EXPECT_EQ(scenario(), 0);
        leave();
    }
    EXPECT_EQ(mr_sleep(5 * MR_MS), 0);
    over = true;
    for (int i = 0; i <= HOGS; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    return 0;
}

TEST(faults_file, files_and_timers_go_on_while_libuv_is_held_up)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        mr_config config = {.size = sizeof config, .workers = workers};
        EXPECT_EQ(mr_main(&config, beside_hogs, NULL), 0);
    }
}
