#define _GNU_SOURCE
#include "os/futex.h"

#include "faults.h"
#include "os/clock.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define MS INT64_C(1000000)

TEST(futex, wait_on_a_changed_word_returns_at_once)
{
    mri_atomic_u32 word = {7};
    EXPECT_EQ(mri_futex_wait(&word, 8, MRI_NEVER), MR_EAGAIN);
    EXPECT_EQ(mri_futex_wait(&word, 8, 0), MR_EAGAIN);
    EXPECT_EQ(mri_futex_wait(&word, 8, -1), MR_EAGAIN);
}

TEST(futex, wait_until_the_past_times_out_at_once)
{
    mri_atomic_u32 word = {7};
    static const int64_t past[] = {0, 1, -1, -1000000000, INT64_MIN};
    int64_t start = mri_clock_now();
    for (size_t i = 0; i < MRI_ARRAY_LEN(past); i++)
        EXPECT_EQ(mri_futex_wait(&word, 7, past[i]), MR_ETIMEDOUT);
    EXPECT_EQ(mri_futex_wait(&word, 7, start), MR_ETIMEDOUT);
    EXPECT(mri_clock_now() - start < 5000 * MS);
}

TEST(futex, wait_never_times_out_early)
{
    mri_atomic_u32 word = {7};
    for (int i = 0; i < 20; i++) {
        int64_t deadline = mri_clock_now() + i * MS / 4;
        EXPECT_EQ(mri_futex_wait(&word, 7, deadline), MR_ETIMEDOUT);
        EXPECT(mri_clock_now() >= deadline);
    }
}

/* Sleeps while the word is 0. */
struct sleeper {
    pthread_t thread;
    mri_atomic_u32 *word;
    int64_t deadline;
    int rc;
    mri_atomic_u32 returned;
};

static void *sleep_on_word(void *arg)
{
    struct sleeper *s = arg;
    s->rc = mri_futex_wait(s->word, 0, s->deadline);
    mri_store_release(&s->returned, 1);
    return NULL;
}

static void sleeper_start(struct sleeper *s, mri_atomic_u32 *word,
                          int64_t deadline)
{
    *s = (struct sleeper){.word = word, .deadline = deadline};
    EXPECT_EQ(pthread_create(&s->thread, NULL, sleep_on_word, s), 0);
}

/* The word does not change: only a wake ends the sleep, so wake until one
 * sleeper was there to be woken. */
static void wake_one(mri_atomic_u32 *word)
{
    int woken;
    while ((woken = mri_futex_wake(word, 1)) == 0)
        usleep(100);
    EXPECT_EQ(woken, 1);
}

TEST(futex, wake_ends_a_wait_without_deadline)
{
    mri_atomic_u32 word = {0};
    struct sleeper s;
    sleeper_start(&s, &word, MRI_NEVER);
    wake_one(&word);
    pthread_join(s.thread, NULL);
    EXPECT_EQ(s.rc, 0);
}

TEST(futex, wake_ends_a_wait_with_a_far_deadline)
{
    mri_atomic_u32 word = {0};
    static const int64_t far[] = {MRI_NEVER - 1, MRI_NEVER / 2,
                                  INT64_C(4000000000) * 1000000000};
    for (size_t i = 0; i < MRI_ARRAY_LEN(far); i++) {
        struct sleeper s;
        sleeper_start(&s, &word, far[i]);
        wake_one(&word);
        pthread_join(s.thread, NULL);
        EXPECT_EQ(s.rc, 0);
    }
}

TEST(futex, wake_wakes_no_more_than_it_is_told)
{
    enum { N = 6 };
    mri_atomic_u32 word = {0};
    struct sleeper s[N];
    for (int i = 0; i < N; i++)
        sleeper_start(&s[i], &word, MRI_NEVER);
    usleep(20000); /* long enough for most to sleep, and needless for truth */
    EXPECT_EQ(mri_futex_wake(&word, 0), 0);
    EXPECT_EQ(mri_futex_wake(&word, -1), 0);
    for (int woken = 0; woken < N;) {
        int n = mri_futex_wake(&word, 2);
        EXPECT(n >= 0 && n <= 2);
        woken += n;
        EXPECT(woken <= N);
        usleep(1000);
        int returned = 0;
        for (int i = 0; i < N; i++)
            returned += (int)mri_load_acquire(&s[i].returned);
        EXPECT(returned <= woken);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(s[i].thread, NULL);
        EXPECT_EQ(s[i].rc, 0);
    }
    EXPECT_EQ(mri_futex_wake(&word, INT32_MAX), 0);
}

TEST(futex, wake_of_memory_that_is_gone_is_harmless)
{
    char *gone = malloc(1 << 20);
    EXPECT(gone);
    uintptr_t address = ((uintptr_t)gone + 4096) & ~(uintptr_t)3;
    free(gone);
    EXPECT_EQ(mri_futex_wake((mri_atomic_u32 *)address, 1), 0);
}

TEST(futex, wait_on_a_bad_address_is_an_error)
{
    EXPECT_EQ(mri_futex_wait((mri_atomic_u32 *)(uintptr_t)16, 0, 0), MR_EFAULT);
}

static void ignore_signal(int signal)
{
    (void)signal;
}

TEST(futex, signal_ends_a_wait)
{
    struct sigaction act = {.sa_handler = ignore_signal}, old;
    EXPECT_EQ(sigaction(SIGUSR1, &act, &old), 0);
    mri_atomic_u32 word = {0};
    struct sleeper s;
    sleeper_start(&s, &word, MRI_NEVER);
    while (!mri_load_acquire(&s.returned)) {
        pthread_kill(s.thread, SIGUSR1);
        usleep(1000);
    }
    pthread_join(s.thread, NULL);
    EXPECT_EQ(s.rc, MR_EINTR);
    sigaction(SIGUSR1, &old, NULL);
}

TEST(futex, refusal_of_the_kernel_is_passed_on)
{
    mri_atomic_u32 word = {0};
    faults_arm_call(NULL, 1, ENOSYS, true);
    int waited = mri_futex_wait(&word, 0, 0);
    int woken = mri_futex_wake(&word, 1);
    EXPECT(faults_disarm());
    EXPECT_EQ(waited, MR_ENOSYS);
    EXPECT_EQ(woken, MR_ENOSYS);
    EXPECT_EQ(mri_load_relaxed(&word), 0);
}
