/* millrace/inspect.h: mr_dump and mr_task_name. The tasks are exported, so that
 * the loader knows their names. */
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

MR_API int64_t waits_told(void *arg);
MR_API int64_t holds_worker(void *arg);
MR_API int64_t parent_of_two(void *arg);
MR_API int64_t blocks(void *arg);
MR_API int64_t submits_many(void *arg);
MR_API int64_t calls_itself(void *arg);
MR_API int64_t nothing(void *arg);

static mr_runtime *start(unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    alarm((unsigned)(30 * slow_sanitizer()));
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* The same buffer each time. */
static const char *dump(mr_runtime *rt)
{
    static char text[1 << 22];
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    EXPECT(out != NULL);
    EXPECT_EQ(mr_dump(rt, out), 0);
    fclose(out);
    return text;
}

/* A line that has all three. */
static bool has_line(const char *text, const char *a, const char *b,
                     const char *c)
{
    char line[2048];
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
        if (strstr(line, a) && strstr(line, b) && strstr(line, c))
            return true;
    }
    return false;
}

#define EXPECT_LINE(text, a, b, c)                                             \
    EXPECT_MSG(has_line(text, a, b, c), "no line with %s, %s, %s in:\n%s", a,  \
               b, c, text)

static int count_lines(const char *text, const char *with)
{
    int n = 0;
    for (; (text = strstr(text, with)); text += strlen(with))
        n++;
    return n;
}

/* ---- Tasks -------------------------------------------------------------- */

static int told, begun;

static void tell(void)
{
    __atomic_store_n(&told, 1, __ATOMIC_RELEASE);
}

static bool is_told(void)
{
    return __atomic_load_n(&told, __ATOMIC_ACQUIRE);
}

static void await_begun(int n)
{
    while (__atomic_load_n(&begun, __ATOMIC_ACQUIRE) < n)
        usleep(100);
}

static mr_runtime *scene(unsigned workers)
{
    told = begun = 0;
    return start(workers);
}

int64_t holds_worker(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&begun, 1, __ATOMIC_RELEASE);
    while (!is_told())
        usleep(100);
    return 0;
}

int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* One child that another worker has taken, one that nobody has; then it waits
 * for the first. */
int64_t parent_of_two(void *arg)
{
    mr_task a, b;
    mr_spawn(&a, holds_worker, arg);
    await_begun(1);
    mr_spawn(&b, nothing, arg);
    __atomic_fetch_add(&begun, 1, __ATOMIC_RELEASE);
    return mr_await(&a) + mr_await(&b);
}

TEST(dump, running_and_waiting_tasks_and_who_spawned_them)
{
    mr_runtime *rt = scene(2);
    EXPECT_EQ(mr_submit(rt, parent_of_two, NULL, 0), 0);
    await_begun(2);
    const char *text;
    /* The other child has been run before the parent has parked for long. */
    while (!strstr(text = dump(rt), "waits for"))
        usleep(1000);
    EXPECT_LINE(text, "task ", ": parent_of_two waits for a task for ",
                ", spawned at ");
    EXPECT_LINE(text, "  child 0: holds_worker runs elsewhere", "awaited",
                ", spawned at parent_of_two+");
    EXPECT_LINE(text, "task ", ": holds_worker runs on worker ",
                ", spawned at parent_of_two+");
    EXPECT_LINE(text, "millrace: runtime ", ", 2 workers, ",
                "1 jobs begun or queued");
    EXPECT(!strstr(text, "stopping"));
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static int64_t spawns_and_looks(void *arg)
{
    mr_task t;
    mr_spawn(&t, nothing, NULL);
    const char *text = dump(arg);
    EXPECT_LINE(text, "  child 0: nothing is not begun", "", "spawned at ");
    EXPECT_LINE(text, "task ", " runs on worker ", " for ");
    EXPECT_LINE(text, "worker ", ": runs task ", ", queue of ");
    return mr_await(&t);
}

TEST(dump, a_task_may_look_and_sees_its_children)
{
    mr_runtime *rt = scene(1);
    EXPECT_EQ(mr_run(rt, spawns_and_looks, rt), 0);
    /* It ends a moment after its result is known. */
    while (strstr(dump(rt), "task "))
        usleep(100);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

int64_t waits_told(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&begun, 1, __ATOMIC_RELEASE);
    while (!is_told())
        mr_yield();
    return 0;
}

TEST(dump, tasks_that_are_ready)
{
    mr_runtime *rt = scene(1);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(mr_submit(rt, waits_told, NULL, 0), 0);
    await_begun(10);
    EXPECT_EQ(mr_submit(rt, holds_worker, NULL, 0), 0);
    await_begun(11);
    const char *text = dump(rt);
    /* Spares may run some, not all. */
    EXPECT_EQ(count_lines(text, ": waits_told "), 10);
    EXPECT(count_lines(text, ": waits_told is ready for ") > 0);
    EXPECT_LINE(text, ": holds_worker runs on worker ", "", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

int64_t blocks(void *arg)
{
    return mr_blocking(holds_worker, arg);
}

/* For how long the one that blocks has waited, as a dump says. */
static double waited(mr_runtime *rt, const char **text)
{
    static const char what[] = ": blocks waits for mr_blocking for ";
    while (!strstr(*text = dump(rt), what))
        usleep(100);
    return strtod(strstr(*text, what) + sizeof what - 1, NULL);
}

/* Since then, and a little, for clocks that tick now and then. */
static double seconds_since(int64_t since)
{
    return (double)(mr_now() - since) / 1e9 + 0.05;
}

TEST(dump, a_wait_is_named_and_timed)
{
    mr_runtime *rt = scene(2);
    const char *text;
    int64_t since = mr_now();
    EXPECT_EQ(mr_submit(rt, blocks, NULL, 0), 0);
    double seconds = waited(rt, &text);
    for (double before = 0; seconds < 0.2; before = seconds) {
        usleep(10000);
        seconds = waited(rt, &text);
        EXPECT(seconds >= before && seconds < seconds_since(since));
    }
    EXPECT_LINE(text, "blocking calls: 1 running", "", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* The sleep before is none of its wait. */
TEST(dump, a_wait_after_a_long_sleep_has_just_begun)
{
    mr_runtime *rt = scene(1);
    const char *text;
    usleep(700000);
    int64_t since = mr_now();
    EXPECT_EQ(mr_submit(rt, blocks, NULL, 0), 0);
    double seconds = waited(rt, &text), most = seconds_since(since);
    EXPECT_MSG(seconds < most, "%g s, of %g", seconds, most);
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- Scopes ------------------------------------------------------------- */

static mr_scope around, within;

static int64_t blocks_as(void *arg)
{
    mr_task_name(arg);
    return blocks(arg);
}

static int64_t opens_two(void *arg)
{
    (void)arg;
    mr_scope_open(&around, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&around, blocks_as, "around", 0), 0);
    mr_scope_open(&within, MR_NEVER);
    EXPECT_EQ(mr_scope_go(&within, blocks_as, "within", 0), 0);
    EXPECT_EQ(mr_scope_close(&within), 0);
    return mr_scope_close(&around);
}

/* A scope is told by its address. */
static void expect_in(const char *text, const char *task, const mr_scope *scope)
{
    char in[40];
    snprintf(in, sizeof in, ", in scope 0x%" PRIxPTR, (uintptr_t)scope);
    EXPECT_LINE(text, task, in, "");
}

TEST(dump, a_task_is_in_its_scope)
{
    mr_runtime *rt = scene(2);
    const char *text;
    EXPECT_EQ(mr_submit(rt, opens_two, NULL, 0), 0);
    EXPECT_EQ(mr_submit(rt, blocks_as, "alone", 0), 0);
    while (count_lines(text = dump(rt), "waits for mr_blocking ") < 3)
        usleep(1000);
    expect_in(text, "\"around\"", &around);
    expect_in(text, "\"within\"", &within);
    EXPECT(!has_line(text, "\"alone\"", ", in scope ", ""));
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- Jobs --------------------------------------------------------------- */

/* More than spares take; they bring some from the inbox into queues. */
TEST(dump, jobs_are_shown_wherever_they_are)
{
    enum { JOBS = 50 };
    mr_runtime *rt = scene(1);
    for (int i = 0; i < JOBS; i++)
        EXPECT_EQ(mr_submit(rt, holds_worker, NULL, 0), 0);
    await_begun(1);
    const char *text;
    bool refused;
    do {
        text = dump(rt);
        refused = strstr(text, "cannot be read") != NULL;
    } while (!refused && count_lines(text, ": holds_worker") != JOBS);
    if (!refused)
        EXPECT_LINE(text, "job in ", ": holds_worker, spawned at ", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    if (refused)
        SKIP("a process may not look into itself here");
}

enum { MANY = 20000, SHOWN = 4096, RING = 256 };

static int submitted;

int64_t submits_many(void *arg)
{
    for (int i = 0; i < MANY; i++)
        if (mr_submit(arg, holds_worker, NULL, 0) < 0)
            return -1;
    __atomic_store_n(&submitted, 1, __ATOMIC_RELEASE);
    return holds_worker(NULL);
}

TEST(dump, a_long_queue_is_shown_up_to_a_bound_and_counted)
{
    mr_runtime *rt = scene(1);
    EXPECT_EQ(mr_submit(rt, submits_many, rt, 0), 0);
    /* Spares run the first of them before the last is submitted. */
    while (!__atomic_load_n(&submitted, __ATOMIC_ACQUIRE))
        usleep(100);
    /* They take some from its ring, as many as they hold; and while they do,
     * a look may end early. */
    const char *text;
    int shown;
    do {
        text = dump(rt);
        shown = count_lines(text, "job in the queue of worker 0: ");
    } while (shown < SHOWN);
    EXPECT_MSG(shown <= SHOWN + RING, "%d jobs", shown);
    EXPECT_LINE(text, " more in the queue of worker 0", "", "");
    EXPECT_LINE(text, "job in the queue of worker 0: holds_worker",
                ", spawned at submits_many+", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

/* ---- Names -------------------------------------------------------------- */

int64_t calls_itself(void *arg)
{
    mr_task_name(arg);
    return holds_worker(NULL);
}

static void expect_shown_as(const char *name, const char *shown)
{
    mr_runtime *rt = scene(1);
    EXPECT_EQ(mr_submit(rt, calls_itself, name, 0), 0);
    await_begun(1);
    EXPECT_LINE(dump(rt), shown, " runs on worker ", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(dump, a_task_has_the_name_that_it_gives_itself)
{
    expect_shown_as("loader", ": \"loader\" calls_itself");
    expect_shown_as("two\nlines", ": \"two?lines\" calls_itself");
    expect_shown_as("0123456789012345678901234567890123456789",
                    ": \"0123456789012345678901234567890\" calls_itself");
    expect_shown_as("", ": calls_itself");
    expect_shown_as(NULL, ": calls_itself");
}

static int64_t calls_itself_loader(void *arg)
{
    (void)arg;
    mr_task_name("loader");
    return 0;
}

TEST(dump, a_name_ends_with_its_task)
{
    mr_runtime *rt = scene(1);
    EXPECT_EQ(mr_run(rt, calls_itself_loader, NULL), 0);
    EXPECT_EQ(mr_submit(rt, holds_worker, NULL, 0), 0);
    await_begun(1);
    EXPECT_LINE(dump(rt), ": holds_worker runs on worker ", "", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    mr_task_name("nobody");
}

/* ---- The call ----------------------------------------------------------- */

TEST(dump, says_what_a_stop_that_timed_out_waits_for)
{
    mr_runtime *rt = scene(2);
    EXPECT_EQ(mr_submit(rt, calls_itself, "stubborn", 0), 0);
    await_begun(1);
    EXPECT_EQ(mr_stop(rt, mr_after(10 * MR_MS)), MR_ETIMEDOUT);
    const char *text = dump(rt);
    EXPECT_LINE(text, "millrace: runtime ", " jobs begun or queued",
                ", stopping");
    EXPECT_LINE(text, ": \"stubborn\" calls_itself runs on worker ", "", "");
    tell();
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(dump, a_stream_that_fails_is_an_error)
{
    mr_runtime *rt = scene(1);
    FILE *full = fopen("/dev/full", "w");
    EXPECT(full != NULL);
    setvbuf(full, NULL, _IONBF, 0);
    EXPECT_EQ(mr_dump(rt, full), MR_EIO);
    fclose(full);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

TEST(dump, child_of_fork_gets_errors)
{
    if (slow_is_emulated())
        SKIP("no threads in a child of fork in the emulator");
    mr_runtime *rt = scene(2);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0)
        _exit(mr_dump(rt, stderr) == MR_EPERM ? 0 : 1);
    int status;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
