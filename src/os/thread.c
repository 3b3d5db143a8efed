/* Threads by way of pthreads; see thread.h. */
#define _GNU_SOURCE
#include "os/thread.h"

#include "base/assert.h"
#include "os/sys.h"

#include <millrace/error.h>
#include <signal.h>
#include <string.h>

MRI_STATIC_ASSERT(sizeof(pthread_t) == sizeof(uintptr_t),
                  "a pthread_t fits where it is kept");

static void *enter(void *arg)
{
    const mri_thread *t = arg;
    void (*run)(void *) = t->run;
    void *run_arg = t->arg;
    /* Without its name the thread works as well. */
    (void)pthread_setname_np(pthread_self(), t->name);
    run(run_arg);
    return NULL;
}

static void block_most_signals(sigset_t *before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t most;
    sigfillset(&most);
    for (size_t i = 0; i < MRI_ARRAY_LEN(own); i++)
        sigdelset(&most, own[i]);
    int rc = pthread_sigmask(SIG_SETMASK, &most, before);
    mri_require(rc == 0, "a thread's signals can be blocked");
}

/* The mask is inherited: what is set here holds from the first instruction,
 * and a signal for the creator waits for these microseconds. */
static int create(mri_thread *t, const pthread_attr_t *attr)
{
    pthread_t handle;
    sigset_t before;
    block_most_signals(&before);
    int rc = mri_sys_thread_create(&handle, attr, enter, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        t->handle = (uintptr_t)handle;
    return rc;
}

int mri_thread_start(mri_thread *t, const char *name, void (*run)(void *),
                     void *arg, size_t stack_size)
{
    pthread_attr_t attr;
    t->run = run;
    t->arg = arg;
    strncpy(t->name, name, MRI_THREAD_NAME - 1);
    t->name[MRI_THREAD_NAME - 1] = '\0';
    if (stack_size == 0)
        return create(t, NULL);
    int rc = -pthread_attr_init(&attr);
    if (rc < 0)
        return rc;
    rc = -pthread_attr_setstacksize(&attr, stack_size);
    if (rc == 0)
        rc = create(t, &attr);
    pthread_attr_destroy(&attr);
    return rc;
}

size_t mri_thread_stack_default(void)
{
    pthread_attr_t attr;
    size_t size = 0;
    if (pthread_attr_init(&attr) != 0)
        return 0;
    (void)pthread_attr_getstacksize(&attr, &size);
    pthread_attr_destroy(&attr);
    return size;
}

void mri_thread_join(mri_thread *t)
{
    int rc = pthread_join((pthread_t)t->handle, NULL);
    mri_require(rc == 0, "a thread is joined once, by another");
}

int mri_thread_cpus_get_of(int thread, mri_thread_cpus *out)
{
    memset(out, 0, sizeof *out); /* the kernel may write less */
    long bytes = mri_sys_getaffinity(thread, sizeof *out, out);
    return bytes < 0 ? (int)bytes : 0;
}

int mri_thread_cpus_get(mri_thread_cpus *out)
{
    return mri_thread_cpus_get_of(0, out);
}

int mri_thread_cpus_set_of(int thread, const mri_thread_cpus *cpus)
{
    return mri_sys_setaffinity(thread, sizeof *cpus, cpus);
}

int mri_thread_cpus_set(const mri_thread_cpus *cpus)
{
    return mri_thread_cpus_set_of(0, cpus);
}

int mri_thread_cpu(void)
{
    return sched_getcpu();
}

int mri_thread_pin(int cpu)
{
    mri_thread_cpus one = {{0}};
    const int bits = 8 * sizeof one.word[0];
    if (cpu < 0 || cpu >= MRI_THREAD_CPUS)
        return MR_EINVAL;
    one.word[cpu / bits] = 1UL << cpu % bits;
    return mri_thread_cpus_set(&one);
}

int64_t mri_thread_cpu_time_of(int thread)
{
    struct timespec t;
    int rc = mri_sys_thread_clock(thread, &t);
    return rc < 0 ? rc : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* "7 (a name) R 1 ...", where a name may be anything; what follows it has no
 * parenthesis. */
int mri_thread_is_runnable(int thread)
{
    char text[64];
    long n = mri_sys_thread_stat(thread, text, sizeof text - 1);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' ? end[2] == 'R' : MR_EINVAL;
}

void mri_thread_yield(void)
{
    (void)sched_yield(); /* never fails on Linux */
}

int mri_thread_id(void)
{
    return (int)syscall(SYS_gettid);
}
