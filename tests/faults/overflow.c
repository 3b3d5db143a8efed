/* Tasks that run over the end of their stacks are named, and the program ends
 * as it would have; whoever had SIGSEGV before still has it. */
#define _GNU_SOURCE
#include "os/pages.h"
#include <millrace.h>

#include "child.h"
#include "faults.h"
#include "slow.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

MR_API int64_t digs(void *arg);

/* Sanitizers have SIGSEGV and stacks of their own, emulators no guards. */
static bool is_apart(void)
{
    return slow_is_sanitized() || slow_is_emulated();
}

#define SKIP_APART()                                                           \
    do {                                                                       \
        if (is_apart())                                                        \
            SKIP("a sanitizer or an emulator sees to SIGSEGV here");           \
        if (getenv("TEST_SLOWER"))                                             \
            SKIP("Valgrind sees to SIGSEGV here");                             \
    } while (0)

static mr_runtime *start(void)
{
    mr_config config = {.size = sizeof config, .workers = 2};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    return rt;
}

/* ---- Overflows ---------------------------------------------------------- */

static int64_t dig(int64_t depth)
{
    volatile char used[1000];
    used[0] = (char)depth;
    int64_t below = depth > 0 ? dig(depth - 1) : 0;
    return below + used[0];
}

int64_t digs(void *arg)
{
    int64_t depth = dig(arg ? *(int64_t *)arg : INT64_MAX);
    mr_yield();
    return depth;
}

static int64_t named(void *arg)
{
    mr_task_name("digger");
    return digs(arg);
}

static int64_t spawns_a_digger(void *arg)
{
    mr_task t;
    mr_spawn(&t, digs, arg);
    mr_yield();
    return mr_await(&t);
}

static void in_main(void *fn)
{
    mr_main(NULL, *(mr_fn *)fn, NULL);
}

static bool dies_in(mr_fn fn, const char *text)
{
    return test_dies(in_main, &fn, SIGSEGV, text);
}

TEST(faults_overflow, is_told_with_the_task_and_what_to_do)
{
    SKIP_APART();
    EXPECT(dies_in(digs, "millrace: stack overflow in task digs, spawned at "));
    EXPECT(dies_in(digs, ": it needs more than 256 KiB; mr_config.stack_size "
                         "gives more\n"));
    EXPECT(dies_in(named, "stack overflow in task \"digger\" "));
    EXPECT(dies_in(spawns_a_digger, "stack overflow in task "));
}

MR_FORKABLE(int64_t, digs_typed, int64_t, n)
{
    MR_CHILD(digs_typed, child);
    if (n == 0)
        return 1;
    MR_SPAWN(digs_typed, child, n - 1);
    volatile int64_t twice = dig(INT64_MAX);
    return twice + MR_AWAIT(digs_typed, child);
}

static int64_t calls_typed(void *arg)
{
    (void)arg;
    return digs_typed(5);
}

TEST(faults_overflow, is_told_of_typed_tasks)
{
    SKIP_APART();
    EXPECT(dies_in(calls_typed, "stack overflow in task "));
}

/* Guards of the other kinds, made by refusing the better. */
static void without_madvise(void *fn)
{
    faults_arm_call("madvise", 1, EINVAL, true);
    if (mri_guard_probe() != MRI_GUARD_MPROTECT)
        raise(SIGSEGV);
    in_main(fn);
}

TEST(faults_overflow, is_told_by_guards_that_cost_mappings)
{
    mr_fn fn = digs;
    SKIP_APART();
    EXPECT(test_dies(without_madvise, &fn, SIGSEGV,
                     "stack overflow in task digs"));
}

/* Down to `end`, by small steps, each of which leaves something. */
static int64_t dig_to(uintptr_t end)
{
    volatile char here = 1;
    return (uintptr_t)&here > end ? dig_to(end) + here : here;
}

/* As far as the unused slots below its stack. */
static int64_t digs_and_waits(void *arg)
{
    volatile char here = 0;
    (void)arg;
    int64_t depth = dig_to((uintptr_t)&here - (256 << 10) - 3000);
    mr_yield();
    return depth;
}

static bool is_no_guard(const char *call)
{
    return strcmp(call, "madvise") != 0 && strcmp(call, "mprotect") != 0;
}

static void without_guards(void *fn)
{
    faults_spare(is_no_guard);
    faults_arm_call(NULL, 1, EINVAL, true);
    in_main(fn);
}

TEST(faults_overflow, is_told_at_the_next_wait_where_there_are_no_guards)
{
    mr_fn fn = digs_and_waits;
    if (slow_is_sanitized())
        SKIP("a sanitizer has stacks of its own");
    EXPECT(test_dies(without_guards, &fn, SIGABRT,
                     "millrace: stack overflow in task "));
    EXPECT(test_dies(without_guards, &fn, SIGABRT,
                     "a task keeps within its stack"));
}

/* ---- Whoever had the signal before --------------------------------------- */

static struct sigaction now(void)
{
    struct sigaction a;
    EXPECT_EQ(sigaction(SIGSEGV, NULL, &a), 0);
    return a;
}

static void *expected_address;

static void former(int signo, siginfo_t *info, void *context)
{
    bool fine = signo == SIGSEGV && context;
    if (expected_address)
        fine = fine && info->si_addr == expected_address;
    const char *text = fine ? "former had it\n" : "former was told wrong\n";
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    _exit(written < 0);
}

static void put_former(void)
{
    const struct sigaction a = {.sa_sigaction = former, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &a, NULL);
}

static void overflows_with_former(void *fn)
{
    put_former();
    in_main(fn);
}

TEST(faults_overflow, the_former_handler_gets_it_afterwards)
{
    mr_fn fn = digs;
    SKIP_APART();
    EXPECT(test_dies(overflows_with_former, &fn, 0,
                     "gives more\nformer had it\n"));
}

static int64_t touches_nothing(void *arg)
{
    (void)arg;
    volatile char *volatile nowhere = (volatile char *)64;
    expected_address = (void *)(uintptr_t)nowhere;
    *nowhere = 1;
    return 0;
}

TEST(faults_overflow, any_other_fault_goes_to_the_former_handler)
{
    mr_fn fn = touches_nothing;
    SKIP_APART();
    EXPECT(test_dies(overflows_with_former, &fn, 0, "former had it\n"));
    EXPECT(dies_in(touches_nothing, NULL));
    EXPECT(!test_dies(in_main, &fn, SIGSEGV, "overflow"));
}

static void raised(void *arg)
{
    mr_runtime *rt = start();
    (void)arg;
    raise(SIGSEGV);
    mr_stop(rt, MR_NEVER);
}

static void raised_and_ignored(void *fn)
{
    signal(SIGSEGV, SIG_IGN);
    raised(fn);
}

static void plain(int signo)
{
    _exit(signo == SIGSEGV ? 0 : 1);
}

static void raised_and_handled(void *fn)
{
    signal(SIGSEGV, plain);
    raised(fn);
    _exit(1);
}

static void faults_and_ignores(void *fn)
{
    signal(SIGSEGV, SIG_IGN);
    in_main(fn);
}

TEST(faults_overflow, a_signal_that_was_sent_does_what_it_did)
{
    mr_fn fn = touches_nothing;
    SKIP_APART();
    EXPECT(test_dies(raised, NULL, SIGSEGV, NULL));
    EXPECT(test_dies(raised_and_ignored, NULL, 0, NULL));
    EXPECT(test_dies(raised_and_handled, NULL, 0, NULL));
    EXPECT(test_dies(faults_and_ignores, &fn, SIGSEGV, NULL));
}

/* ---- Putting it there and taking it back --------------------------------- */

static bool same(struct sigaction a, struct sigaction b)
{
    return a.sa_sigaction == b.sa_sigaction;
}

static enum child_end comes_and_goes(void *arg)
{
    (void)arg;
    put_former();
    struct sigaction before = now();
    mr_runtime *a = start();
    CHILD_EXPECT(!same(now(), before));
    CHILD_EXPECT(now().sa_flags & SA_ONSTACK);
    mr_runtime *b = start();
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    CHILD_EXPECT(!same(now(), before));
    CHILD_EXPECT(mr_stop(b, MR_NEVER) == 0);
    CHILD_EXPECT(same(now(), before));
    return CHILD_OK;
}

static enum child_end another_in_front(void *arg)
{
    (void)arg;
    mr_runtime *rt = start();
    put_former();
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    CHILD_EXPECT(now().sa_sigaction == former);
    rt = start();
    CHILD_EXPECT(now().sa_sigaction == former);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    CHILD_EXPECT(now().sa_sigaction == former);
    return CHILD_OK;
}

static enum child_end default_in_front(void *arg)
{
    (void)arg;
    mr_runtime *a = start();
    struct sigaction ours = now();
    signal(SIGSEGV, SIG_DFL);
    mr_runtime *b = start();
    CHILD_EXPECT(same(now(), ours));
    signal(SIGSEGV, SIG_IGN);
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    CHILD_EXPECT(mr_stop(b, MR_NEVER) == 0);
    CHILD_EXPECT(now().sa_handler == SIG_IGN);
    a = start();
    CHILD_EXPECT(same(now(), ours));
    CHILD_EXPECT(mr_stop(a, MR_NEVER) == 0);
    CHILD_EXPECT(now().sa_handler == SIG_IGN);
    return CHILD_OK;
}

static enum child_end told_to_leave_it(void *arg)
{
    (void)arg;
    mr_config config = {.size = sizeof config, .leave_sigsegv = 1};
    mr_runtime *rt;
    put_former();
    CHILD_EXPECT(mr_start(&rt, &config) == 0);
    CHILD_EXPECT(now().sa_sigaction == former);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    CHILD_EXPECT(now().sa_sigaction == former);
    return CHILD_OK;
}

static enum child_end start_that_fails(void *arg)
{
    mr_runtime *rt;
    (void)arg;
    put_former();
    faults_arm_call("pthread_create", 1, EAGAIN, true);
    CHILD_EXPECT(mr_start(&rt, NULL) == MR_EAGAIN);
    CHILD_EXPECT(faults_disarm());
    CHILD_EXPECT(now().sa_sigaction == former);
    return CHILD_OK;
}

TEST(faults_overflow, the_last_stop_takes_the_handler_back)
{
    EXPECT_EQ(child_run(comes_and_goes, NULL), CHILD_OK);
}

TEST(faults_overflow, a_handler_in_front_stays_there)
{
    EXPECT_EQ(child_run(another_in_front, NULL), CHILD_OK);
}

TEST(faults_overflow, a_handler_that_was_taken_away_is_put_there_again)
{
    EXPECT_EQ(child_run(default_in_front, NULL), CHILD_OK);
}

TEST(faults_overflow, no_handler_where_none_is_wanted)
{
    EXPECT_EQ(child_run(told_to_leave_it, NULL), CHILD_OK);
}

/* As under ulimit -s 64. */
static enum child_end small_threads(void *arg)
{
    int64_t none = 0;
    pthread_attr_t attr;
    (void)arg;
    CHILD_EXPECT(pthread_attr_init(&attr) == 0);
    if (pthread_attr_setstacksize(&attr, 65536) != 0)
        return CHILD_SKIP;
    CHILD_EXPECT(pthread_setattr_default_np(&attr) == 0);
    mr_runtime *rt = start();
    CHILD_EXPECT(mr_run(rt, digs, &none) == 0);
    CHILD_EXPECT(mr_stop(rt, MR_NEVER) == 0);
    return CHILD_OK;
}

TEST(faults_overflow, the_handlers_stack_fits_where_threads_have_little)
{
    CHILD_RUN_OR_SKIP(small_threads, NULL, "threads need more here");
}

TEST(faults_overflow, a_start_that_fails_leaves_no_handler)
{
    EXPECT_EQ(child_run(start_that_fails, NULL), CHILD_OK);
}
