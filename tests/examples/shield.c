/* A transfer that is cut short takes back what it has begun: cleaning up waits,
 * too, so it needs a scope that nothing around it reaches. */
#include <millrace.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRANSFERS = 20, AT_ONCE = 4 };

static atomic_int begun, taken_back, running, most;

/* What it takes to undo one: it waits, and cannot be left out. */
static int64_t takes_back(void)
{
    mr_scope scope;
    mr_scope_shield(&scope, mr_after(30 * MR_S));
    int64_t rc = mr_sleep(MR_MS);
    atomic_fetch_add(&taken_back, 1);
    mr_scope_close(&scope);
    return rc;
}

static void counts(void)
{
    int now = atomic_fetch_add(&running, 1) + 1, was = most;
    while (was < now && !atomic_compare_exchange_weak(&most, &was, now))
        ;
}

/* For ever, or until cut short: nobody answers. */
static int64_t transfer(void *arg)
{
    mr_latch *enough = arg;
    counts();
    atomic_fetch_add(&begun, 1);
    mr_latch_count_down(enough, 1); /* MR_ERANGE to those that come later */
    int64_t rc = mr_sleep(MR_NEVER);
    int64_t undone = rc == MR_ECANCELED ? takes_back() : 0;
    atomic_fetch_sub(&running, 1);
    return undone < 0 ? undone : rc;
}

/* Begun are as many as may be at once; the others never are. */
static int64_t root(void *arg)
{
    mr_latch enough = MR_LATCH_INIT(AT_ONCE);
    mr_task task[TRANSFERS];
    mr_scope scope;
    int never = 0;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_limit(&scope, AT_ONCE);
    for (int i = 0; i < TRANSFERS; i++)
        mr_scope_spawn(&scope, &task[i], transfer, &enough);
    int64_t rc = mr_latch_wait(&enough);
    mr_scope_cancel(&scope);
    int64_t closed = mr_scope_close(&scope);
    for (int i = 0; i < TRANSFERS; i++)
        never += mr_task_result(&task[i]) == MR_ECANCELED;
    if (rc < 0)
        return rc;
    return closed == MR_ECANCELED && never == TRANSFERS && most <= AT_ONCE
               ? 0
               : MR_EPROTO;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("%d begun, %d taken back\n", begun, taken_back);
    return begun == taken_back ? EXIT_SUCCESS : EXIT_FAILURE;
}
