/* Channels: numbers go to a few workers, and what these find comes back, while
 * a clock reports and somebody may call it off. */
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 3, NUMBERS = 2000, ROOM = 16 };

struct flow {
    mr_channel numbers, primes;
    int room[ROOM];
    int64_t reports;
};

static int is_prime(int n)
{
    for (int i = 2; i * i <= n; i++)
        if (n % i == 0)
            return 0;
    return n > 1;
}

/* Until there are no more numbers. */
static int64_t worker(void *arg)
{
    struct flow *f = arg;
    int n, rc;
    while ((rc = mr_receive(&f->numbers, &n)) == 0)
        if (is_prime(n) && (rc = mr_send(&f->primes, &n)) < 0)
            break;
    return rc == MR_EOF ? 0 : rc;
}

/* Whoever has sent the last closes: it is not known before that the workers
 * have done. */
static int64_t workers(void *arg)
{
    struct flow *f = arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = 0;
    for (int i = 0; i < WORKERS && rc == 0; i++)
        rc = mr_scope_go(&scope, worker, f, 0);
    if (rc < 0)
        mr_scope_cancel(&scope);
    int64_t closed = mr_scope_close(&scope);
    mr_channel_close(&f->primes);
    return rc < 0 ? rc : closed;
}

static int64_t source(void *arg)
{
    struct flow *f = arg;
    int rc = 0;
    for (int n = 0; n < NUMBERS && rc == 0; n++)
        rc = mr_send(&f->numbers, &n); /* waits while the workers have enough */
    mr_channel_close(&f->numbers);
    return rc;
}

/* Whatever comes first: a prime, or the order to stop, or a quiet time in which
 * a report may be made. How many there were. */
static int64_t collects(struct flow *f, mr_future *stop)
{
    int64_t primes = 0;
    for (;;) {
        int prime;
        mr_case cases[] = {mr_case_receive(&f->primes, &prime),
                           mr_case_future(stop)};
        int64_t which = mr_select(cases, 2, mr_after(MR_MS));
        if (which == 0 && cases[0].result == MR_EOF)
            return primes;
        if (which == 0)
            primes++;
        else if (which == MR_ETIMEDOUT)
            f->reports++;
        else
            return which < 0 ? which : MR_ECANCELED;
    }
}

static int64_t counts(struct flow *f)
{
    mr_promise *order;
    mr_task from, through;
    mr_future *stop = mr_promise_open(&order); /* nobody gives it today */
    mr_spawn(&from, source, f);
    mr_spawn(&through, workers, f);
    int64_t primes = collects(f, stop);
    mr_channel_close(&f->numbers); /* MR_EPIPE to a source that still sends */
    mr_channel_close(&f->primes);
    int64_t sent = mr_await(&from), worked = mr_await(&through);
    mr_promise_close(order);
    mr_cancel(stop);
    return primes < 0 ? primes : sent < 0 ? sent : worked < 0 ? worked : primes;
}

/* What need not wait, and what waits not too long. */
static int64_t tries(void)
{
    mr_channel c;
    int room[1], n = 1, rc = mr_channel_open(&c, sizeof n, 1, room);
    if (rc < 0)
        return rc;
    int sent = mr_trysend(&c, &n), full = mr_trysend(&c, &n);
    int late = mr_send_until(&c, &n, mr_after(MR_MS));
    size_t count = mr_channel_count(&c);
    int received = mr_receive_until(&c, &n, mr_after(30 * MR_S));
    int empty = mr_tryreceive(&c, &n);
    mr_channel_close(&c);
    int end = mr_tryreceive(&c, &n), broken = mr_trysend(&c, &n);
    return sent == 0 && full == MR_EAGAIN && late == MR_ETIMEDOUT &&
                   count == 1 && received == 0 && empty == MR_EAGAIN &&
                   end == MR_EOF && broken == MR_EPIPE
               ? 0
               : MR_EPROTO;
}

static int64_t root(void *arg)
{
    struct flow f = {.reports = 0};
    (void)arg;
    int64_t rc = tries();
    if (rc == 0)
        rc = mr_channel_open(&f.numbers, sizeof(int), ROOM, f.room);
    if (rc == 0) /* no room: a worker hands it to who collects */
        rc = mr_channel_open(&f.primes, sizeof(int), 0, NULL);
    return rc < 0 ? rc : counts(&f);
}

int main(void)
{
    int64_t primes = mr_main(NULL, root, NULL);
    if (primes < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(primes), mr_strerror(primes));
        return EXIT_FAILURE;
    }
    printf("%d primes below %d\n", (int)primes, NUMBERS);
    return primes == 303 ? EXIT_SUCCESS : EXIT_FAILURE;
}
