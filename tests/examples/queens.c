/* In how many ways do n queens stand on a board, none in another's way? A task
 * for each queen that fits, on all cores that this process can really use. */
#include <millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 11, ALL = (1 << N) - 1 };

/* Rows above: which columns and diagonals they hold in the next row. */
struct board {
    unsigned columns, left, right;
};

MR_FORKABLE(int64_t, solutions, struct board, b)
{
    int64_t sum = 0;
    int children = 0;
    unsigned free = ALL & ~(b.columns | b.left | b.right);
    if (b.columns == ALL)
        return 1;
    MR_CHILDREN(solutions, child, N);
    for (; free != 0; free &= free - 1) {
        unsigned queen = free & -free;
        struct board next = {b.columns | queen, (b.left | queen) << 1,
                             (b.right | queen) >> 1};
        MR_SPAWN_AT(solutions, child, children, next); /* elsewhere, maybe */
        children++;
    }
    while (children-- > 0)
        sum += MR_AWAIT_AT(solutions, child, children); /* here at the latest */
    return sum;
}

static int64_t root(void *arg)
{
    (void)arg;
    return solutions((struct board){0, 0, 0});
}

int main(void)
{
    int64_t n = mr_main(NULL, root, NULL);
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(n), mr_strerror(n));
        return EXIT_FAILURE;
    }
    printf("%d queens on %d CPUs: %" PRId64 " ways\n", N, mr_usable_cpus(), n);
    return EXIT_SUCCESS;
}
