/* How many queens can be placed in a fifth of a second? Boards grow until the
 * deadline of the scope cuts everything short: the search, on all cores, which
 * asks now and then; and the clock beside it, which is woken. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 20, DEEP = 6 };

struct board {
    unsigned all, columns, left, right;
};

MR_FORKABLE(int64_t, solutions, struct board, b)
{
    int64_t sum = 0;
    int children = 0;
    unsigned free = b.all & ~(b.columns | b.left | b.right);
    if (b.columns == b.all)
        return 1;
    if (__builtin_popcount(b.columns) < DEEP && mr_cancelled())
        return 0;
    MR_CHILDREN(solutions, child, MOST);
    for (; free != 0; free &= free - 1) {
        unsigned queen = free & -free;
        struct board next = {b.all, b.columns | queen, (b.left | queen) << 1,
                             (b.right | queen) >> 1};
        MR_SPAWN_AT(solutions, child, children, next);
        children++;
    }
    while (children-- > 0)
        sum += MR_AWAIT_AT(solutions, child, children);
    return sum;
}

/* Until its wait is cut short. */
static int64_t ticks(void *arg)
{
    int64_t *count = arg;
    mr_interval interval;
    mr_interval_open(&interval, 10 * MR_MS);
    for (int64_t n; (n = mr_interval_wait(&interval)) > 0;)
        *count += n;
    return 0;
}

static int64_t root(void *arg)
{
    int64_t *ticked = arg;
    mr_scope scope;
    mr_task clock;
    unsigned placed = 0;
    mr_scope_open(&scope, mr_after(200 * MR_MS));
    mr_scope_spawn(&scope, &clock, ticks, ticked);
    for (unsigned n = 1; n <= MOST && !mr_cancelled(); n++) {
        int64_t ways = solutions((struct board){(1U << n) - 1, 0, 0, 0});
        if (ways > 0 && !mr_cancelled())
            placed = n;
    }
    int64_t rc = mr_scope_close(&scope);
    return rc == MR_ETIMEDOUT ? (int64_t)placed : rc;
}

int main(void)
{
    int64_t ticked = 0;
    int64_t placed = mr_main(NULL, root, &ticked);
    if (placed < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(placed), mr_strerror(placed));
        return EXIT_FAILURE;
    }
    printf("%" PRId64 " queens, while the clock ticked %" PRId64 " times\n",
           placed, ticked);
    return EXIT_SUCCESS;
}
