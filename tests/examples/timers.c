/* Time: a clock that ticks without drift, a wait until a point in time, and one
 * that a deadline ends. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKS = 5 };

/* Late or not, after five periods have passed five were counted. */
static int64_t ticks(void *arg)
{
    mr_interval clock;
    int64_t begin = mr_now(), past = 0;
    (void)arg;
    int64_t rc = mr_interval_open(&clock, 10 * MR_MS);
    while (rc >= 0 && past < TICKS) {
        rc = mr_interval_wait(&clock);
        past += rc > 0 ? rc : 0;
    }
    if (rc < 0)
        return rc;
    return mr_now() - begin >= past * 10 * MR_MS ? past : MR_ERANGE;
}

/* Would sleep for an hour; the scope says until when there is time. */
static int64_t dozes(void *arg)
{
    int64_t *deadline = arg;
    *deadline = mr_deadline();
    return mr_sleep(3600 * MR_S);
}

static int64_t cut_short(void)
{
    int64_t deadline = mr_after(20 * MR_MS), seen = 0;
    mr_scope scope;
    mr_scope_open(&scope, deadline);
    int64_t rc = dozes(&seen);
    int why = mr_cancelled();
    mr_scope_close(&scope);
    return rc == MR_ECANCELED && why == MR_ETIMEDOUT && seen == deadline
               ? 0
               : MR_EPROTO;
}

static int64_t root(void *arg)
{
    mr_task clock;
    int64_t until = mr_after(30 * MR_MS);
    (void)arg;
    mr_spawn(&clock, ticks, NULL); /* beside what follows */
    int64_t rc = mr_sleep_until(until);
    if (rc == 0 && mr_now() < until)
        rc = MR_EPROTO;
    if (rc == 0)
        rc = cut_short();
    if (mr_deadline() != MR_NEVER) /* there is none out here */
        rc = MR_EPROTO;
    int64_t past = mr_await(&clock);
    return rc < 0 ? rc : past < 0 ? past : 0;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("the clock ticked, and nobody slept too long\n");
    return EXIT_SUCCESS;
}
