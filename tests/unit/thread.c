#define _GNU_SOURCE
#include "os/thread.h"

#include "base/atomic.h"
#include "child.h"
#include "slow.h"
#include "test.h"

#include <millrace/error.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a thread finds out about itself. */
struct self {
    char name[MRI_THREAD_NAME];
    sigset_t mask;
    size_t stack_size;
    int id, cpus, rc;
};

static void look(void *arg)
{
    struct self *s = arg;
    pthread_attr_t attr;
    EXPECT_EQ(pthread_getname_np(pthread_self(), s->name, sizeof s->name), 0);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &s->mask), 0);
    EXPECT_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
    EXPECT_EQ(pthread_attr_getstacksize(&attr, &s->stack_size), 0);
    pthread_attr_destroy(&attr);
    s->id = mri_thread_id();
}

static struct self started(const char *name, size_t stack_size)
{
    struct self s = {.id = 0};
    mri_thread t;
    EXPECT_EQ(mri_thread_start(&t, name, look, &s, stack_size), 0);
    mri_thread_join(&t);
    EXPECT(s.id != 0);
    return s;
}

TEST(thread, runs_under_its_name_and_its_own_number)
{
    struct self s = started("some-name", 0);
    EXPECT_STR(s.name, "some-name");
    EXPECT(s.id != mri_thread_id());
    EXPECT_EQ(mri_thread_id(), syscall(SYS_gettid));
}

TEST(thread, a_long_name_is_cut)
{
    EXPECT_STR(started("0123456789abcdefgh", 0).name, "0123456789abcde");
}

TEST(thread, what_it_did_is_there_after_join_through_a_copy)
{
    struct self s[8];
    mri_thread t[8];
    for (int i = 0; i < 8; i++)
        EXPECT_EQ(mri_thread_start(&t[i], "copy", look, &s[i], 0), 0);
    for (int i = 0; i < 8; i++) {
        mri_thread copy = t[i];
        mri_thread_join(&copy);
        EXPECT_STR(s[i].name, "copy");
    }
}

static bool synchronous(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
           signal == SIGILL || signal == SIGTRAP || signal == SIGSYS;
}

TEST(thread, only_signals_of_its_own_doing_reach_it)
{
    sigset_t mine, before, after;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    sigaddset(&mine, SIGSEGV); /* not handed down */
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &mine, &before), 0);
    struct self s = started("signals", 0);
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    for (int i = 1; i < 32; i++) {
        EXPECT_EQ(sigismember(&after, i), i == SIGUSR2 || i == SIGSEGV);
        if (i != SIGKILL && i != SIGSTOP)
            EXPECT_EQ(sigismember(&s.mask, i), !synchronous(i));
    }
    EXPECT(slow_is_emulated() ||
           (sigismember(&s.mask, SIGRTMIN) && sigismember(&s.mask, SIGRTMAX)));
}

static mri_atomic_u32 handled_by, stop;

static void note_thread(int signal)
{
    (void)signal;
    mri_store_release(&handled_by, (uint32_t)mri_thread_id());
}

static void spin(void *arg)
{
    (void)arg;
    while (!mri_load_acquire(&stop))
        mri_thread_yield();
}

static void handle(int signal)
{
    struct sigaction act = {.sa_handler = note_thread};
    EXPECT_EQ(sigaction(signal, &act, NULL), 0);
}

/* The kernel gives a process's signal to any thread that does not block it,
 * one that runs rather than one that sleeps. */
TEST(thread, a_signal_to_the_process_is_the_users_threads)
{
    mri_thread t;
    handle(SIGUSR1);
    mri_store_relaxed(&stop, 0);
    EXPECT_EQ(mri_thread_start(&t, "spin", spin, NULL, 0), 0);
    for (int i = 0; i < 20; i++) {
        mri_store_relaxed(&handled_by, 0);
        EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
        while (!mri_load_acquire(&handled_by))
            usleep(100);
        EXPECT_EQ(mri_load_relaxed(&handled_by), mri_thread_id());
    }
    mri_store_release(&stop, 1);
    mri_thread_join(&t);
    signal(SIGUSR1, SIG_DFL);
}

static void raise_sigsys(void *arg)
{
    (void)arg;
    EXPECT_EQ(syscall(SYS_tgkill, getpid(), mri_thread_id(), SIGSYS), 0);
}

TEST(thread, a_signal_of_its_own_doing_is_handled_there)
{
    mri_thread t;
    handle(SIGSYS);
    mri_store_relaxed(&handled_by, 0);
    EXPECT_EQ(mri_thread_start(&t, "sigsys", raise_sigsys, NULL, 0), 0);
    mri_thread_join(&t);
    signal(SIGSYS, SIG_DFL);
    EXPECT(mri_load_relaxed(&handled_by) != 0);
    EXPECT(mri_load_relaxed(&handled_by) != (uint32_t)mri_thread_id());
}

TEST(thread, the_stack_is_as_large_as_asked)
{
    EXPECT(started("stack", 1 << 20).stack_size >= 1 << 20);
    EXPECT(started("stack", 4 << 20).stack_size >= 4 << 20);
}

TEST(thread, a_stack_too_small_is_refused)
{
    mri_thread t;
    EXPECT_EQ(mri_thread_start(&t, "small", look, NULL, 1), MR_EINVAL);
}

static void pin_to_last(void *arg)
{
    struct self *s = arg;
    cpu_set_t set;
    int cpu = CPU_SETSIZE - 1;
    CPU_ZERO(&set);
    EXPECT(sched_getaffinity(0, sizeof set, &set) >= 0);
    while (!CPU_ISSET(cpu, &set))
        cpu--;
    s->rc = mri_thread_pin(cpu);
    EXPECT(sched_getaffinity(0, sizeof set, &set) >= 0);
    s->cpus = CPU_COUNT(&set);
    EXPECT(CPU_ISSET(cpu, &set));
    EXPECT_EQ(sched_getcpu(), cpu);
}

TEST(thread, a_pinned_thread_stays_on_its_cpu_alone)
{
    struct self s = {.id = 0};
    mri_thread t;
    cpu_set_t before, after;
    EXPECT(sched_getaffinity(0, sizeof before, &before) >= 0);
    EXPECT_EQ(mri_thread_start(&t, "pinned", pin_to_last, &s, 0), 0);
    mri_thread_join(&t);
    EXPECT_EQ(s.rc, 0);
    EXPECT_EQ(s.cpus, 1);
    EXPECT(sched_getaffinity(0, sizeof after, &after) >= 0);
    EXPECT(CPU_EQUAL(&before, &after));
}

static void pin_and_return(void *arg)
{
    struct self *s = arg;
    mri_thread_cpus before, after;
    cpu_set_t set;
    EXPECT_EQ(mri_thread_cpus_get(&before), 0);
    pin_to_last(s);
    EXPECT_EQ(mri_thread_cpus_set(&before), 0);
    EXPECT_EQ(mri_thread_cpus_get(&after), 0);
    EXPECT(memcmp(&before, &after, sizeof before) == 0);
    EXPECT(sched_getaffinity(0, sizeof set, &set) >= 0);
    s->cpus = CPU_COUNT(&set);
}

TEST(thread, a_pinned_thread_can_be_let_go)
{
    struct self s = {.id = 0};
    mri_thread t;
    cpu_set_t set;
    EXPECT_EQ(mri_thread_start(&t, "let-go", pin_and_return, &s, 0), 0);
    mri_thread_join(&t);
    EXPECT(sched_getaffinity(0, sizeof set, &set) >= 0);
    EXPECT_EQ(s.cpus, CPU_COUNT(&set));
}

TEST(thread, no_cpu_at_all_is_refused)
{
    const mri_thread_cpus none = {{0}};
    EXPECT_EQ(mri_thread_cpus_set(&none), MR_EINVAL);
}

TEST(thread, there_is_no_pinning_to_a_cpu_that_is_not)
{
    EXPECT_EQ(mri_thread_pin(-1), MR_EINVAL);
    EXPECT_EQ(mri_thread_pin(8191), MR_EINVAL);
    EXPECT_EQ(mri_thread_pin(1 << 20), MR_EINVAL);
}

/* ---- How it does ----------------------------------------------------------
 */

TEST(thread, cpu_time_grows_by_what_is_computed)
{
    struct timespec t;
    int64_t before = mri_thread_cpu_time_of(mri_thread_id()), now;
    EXPECT(before > 0);
    do
        EXPECT_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    while ((now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec) <
           before + 1000000);
    EXPECT(mri_thread_cpu_time_of(mri_thread_id()) >= now);
    EXPECT(mri_thread_cpu_time_of(mri_thread_id()) < now + 1000000000);
}

struct sleeper {
    mri_atomic_u32 id, end;
};

static void sleeps(void *arg)
{
    struct sleeper *s = arg;
    mri_store_release(&s->id, (uint32_t)mri_thread_id());
    while (!mri_load_relaxed(&s->end))
        usleep(20000000);
}

static void is_woken(int signal)
{
    (void)signal;
}

TEST(thread, who_sleeps_is_not_runnable_and_uses_no_cpu_time)
{
    struct sleeper s = {{0}, {0}};
    mri_thread t;
    signal(SIGFPE, is_woken); /* one of those that a thread does not block */
    EXPECT_EQ(mri_thread_start(&t, "a name) R 1", sleeps, &s, 0), 0);
    while (!mri_load_acquire(&s.id))
        usleep(100);
    int id = (int)mri_load_relaxed(&s.id);
    for (int i = 0; mri_thread_is_runnable(id) == 1 && i < 10000; i++)
        usleep(1000);
    EXPECT_EQ(mri_thread_is_runnable(id), 0);
    /* It says that it sleeps a moment before it leaves its CPU. */
    int64_t used = 0, before = -1;
    for (int i = 0; used != before && i < 100; i++) {
        before = mri_thread_cpu_time_of(id);
        usleep(20000);
        used = mri_thread_cpu_time_of(id);
    }
    EXPECT_EQ(used, before);
    mri_store_relaxed(&s.end, 1);
    EXPECT_EQ(pthread_kill((pthread_t)t.handle, SIGFPE), 0);
    mri_thread_join(&t);
}

TEST(thread, who_runs_is_runnable)
{
    EXPECT_EQ(mri_thread_is_runnable(mri_thread_id()), 1);
}

TEST(thread, nothing_is_known_of_a_thread_that_is_not)
{
    EXPECT(mri_thread_is_runnable(1 << 30) < 0);
    EXPECT(mri_thread_cpu_time_of(1 << 28) < 0);
}

static void join_self(void *arg)
{
    mri_thread self = {.handle = (uintptr_t)pthread_self()};
    (void)arg;
    mri_thread_join(&self);
}

TEST(thread, joining_oneself_is_told)
{
    if (MRI_TSAN)
        SKIP("ThreadSanitizer stops the program first");
    EXPECT(test_dies(join_self, NULL, SIGABRT, "joined once, by another"));
}
