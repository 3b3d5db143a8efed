/* Futures: what several mirrors are asked for, what comes too late, what is
 * done by other threads and by a signal's handler, and what nobody wants any
 * more. */
#define _GNU_SOURCE
#include <millrace.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Several at once ---------------------------------------------------- */

/* A mirror that answers with its number; one below 0 is out of order, and 0
 * never answers. */
static int64_t mirror(void *arg)
{
    int number = *(int *)arg;
    if (number == 0)
        return mr_sleep(MR_NEVER);
    return number < 0 ? MR_EHOSTUNREACH : number;
}

static mr_future *asks(int number)
{
    return mr_async(mirror, &number, sizeof number);
}

/* The first good answer; the others are cancelled. */
static int64_t any_mirror(void)
{
    mr_future *const asked[] = {asks(-1), asks(0), asks(7)};
    return mr_get(mr_any(asked, 3));
}

/* Whoever is first, and be it the news that something is wrong. */
static int64_t first_news(void)
{
    mr_future *const asked[] = {asks(0), asks(-1)};
    return mr_get(mr_race(asked, 2));
}

/* How many have failed, and all that they said. */
static int64_t all_answers(void)
{
    int64_t said[3];
    mr_future *const asked[] = {asks(3), asks(-1), asks(4)};
    int64_t failed = mr_get(mr_settled(asked, 3, said));
    return failed == 1 && said[1] == MR_EHOSTUNREACH ? said[0] + said[2]
                                                     : MR_EPROTO;
}

/* ---- Too late, not any more --------------------------------------------- */

/* The one that never answers is given 10 ms, and then called off; who gave up
 * waiting has not ended it. */
static int64_t called_off(void)
{
    mr_future *f = asks(0);
    int64_t late = mr_get_until(mr_retain(f), mr_after(10 * MR_MS));
    int done = mr_is_done(f);
    mr_cancel(f);
    return late == MR_ETIMEDOUT && !done ? 0 : MR_EPROTO;
}

/* ---- From elsewhere ----------------------------------------------------- */

static void *completes(void *promise)
{
    mr_promise_complete(promise, 11);
    mr_promise_close(promise);
    return NULL;
}

/* A thread that knows nothing of tasks has the value. */
static int64_t from_a_thread(void)
{
    pthread_t thread;
    mr_promise *promise;
    mr_future *f = mr_promise_open(&promise);
    if (promise && pthread_create(&thread, NULL, completes, promise) == 0)
        pthread_detach(thread);
    else
        mr_promise_close(promise); /* MR_ECANCELED, where f had not failed */
    return mr_get(f);
}

static _Atomic(mr_promise *) alarm_goes;

static void rings(int signo)
{
    mr_promise_complete_signal(alarm_goes, signo);
}

/* The handler runs on a thread of the program that lets the signal in, here
 * this one: so it has returned when the promise is closed. */
static int64_t from_a_handler(mr_runtime *rt)
{
    mr_promise *promise;
    struct sigaction action = {.sa_handler = rings}, was;
    mr_future *f = mr_promise_open_in(rt, &promise);
    if (!promise)
        return mr_get(f);
    alarm_goes = promise;
    sigaction(SIGUSR1, &action, &was);
    kill(getpid(), SIGUSR1);
    int64_t signo = mr_get(f); /* a thread is blocked */
    sigaction(SIGUSR1, &was, NULL);
    mr_promise_close(promise);
    return signo == SIGUSR1 ? 0 : MR_EPROTO;
}

/* ---- The program -------------------------------------------------------- */

static int64_t inside(void *arg)
{
    (void)arg;
    if (any_mirror() != 7 || first_news() != MR_EHOSTUNREACH)
        return MR_EPROTO;
    int64_t sum = all_answers(), off = called_off(), thread = from_a_thread();
    return sum != 7 || off != 0 ? MR_EPROTO : thread;
}

/* Nobody looks at this one. */
static int64_t fails(void *arg)
{
    (void)arg;
    return MR_EIO;
}

static void unhandled(void *context, int64_t error)
{
    atomic_int *seen = context;
    atomic_fetch_add(seen, error == MR_EIO);
}

int main(void)
{
    atomic_int seen = 0;
    mr_config config = {
        .size = sizeof config, .unhandled = unhandled, .context = &seen};
    mr_runtime *rt;
    int64_t rc = mr_start(&rt, &config);
    if (rc == 0) {
        rc = mr_get(mr_async_in(rt, inside, NULL, 0)); /* from out here */
        int64_t handled = from_a_handler(rt);
        mr_drop(mr_async_in(rt, fails, NULL, 0)); /* it goes on, unseen */
        int stopped = mr_stop(rt, mr_after(30 * MR_S));
        rc = rc < 0 ? rc : handled < 0 ? handled : stopped < 0 ? stopped : rc;
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("%d from a thread, %d unhandled\n", (int)rc, seen);
    return rc == 11 && seen == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
