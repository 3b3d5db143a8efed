/* The work itself, as far as it is the same for every peer.
 *
 * Out of line in workloads.c, so that each peer, also one written in Rust,
 * calls the same instructions: the leaves of matmul and cilksort, the nodes of
 * UTS. In line below: what is too small to be called. The program of a peer
 * adds only how calls become tasks.
 *
 *   fib       fib(n): one spawn, one call. Unit: a spawn.
 *   skynet    a node has ten children, the last of them called; `size` leaves
 *             add up their numbers. Unit: a leaf.
 *   nqueens   a task for each queen that can be placed, no cut-off; all
 *             solutions counted. Unit: a queen placed.
 *   matmul    C += A B of floats, halved along each side: four quadrants at
 *             once, then the four of the other half of the sum. Unit: a leaf.
 *   uts       the unbalanced tree search: T1 (size 1), T3 (3), T1L (11),
 *             T3L (13); a task for each child, the last one called. Unit: a
 *             node.
 *   cilksort  merge sort in four parts with parallel merges. Unit: an element.
 *   submit    `size` detached tasks that only count, handed in by one thread
 *             that is no worker. Unit: a task.
 *   resubmit  the same, handed in by a task.
 *
 * Must not know: any scheduler.
 */
#ifndef FORKJOIN_WORKLOADS_H
#define FORKJOIN_WORKLOADS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fj_workload {
    const char *name, *unit;
    int64_t usual, warm;
    int64_t stack; /* of a thread that works on it */
    bool (*possible)(int64_t size);
    bool (*prepare)(int64_t size); /* false: no memory */
    bool (*right)(int64_t size, int64_t result);
    int64_t (*tasks)(int64_t size);
};

/* NULL where there is none. */
const struct fj_workload *fj_workload_named(const char *name);

/* ---- skynet ------------------------------------------------------------- */

enum { SKYNET_CHILDREN = 10 };

/* ---- nqueens ------------------------------------------------------------ */

enum { QUEENS_MOST = 16 };

/* The column of the queen in each row so far. */
struct queens {
    int8_t column[QUEENS_MOST];
};

static inline bool queens_fit(const struct queens *q, int row, int column)
{
    for (int i = 0; i < row; i++) {
        int apart = q->column[i] - column;
        if (apart == 0 || apart == row - i || apart == i - row)
            return false;
    }
    return true;
}

static inline struct queens queens_with(const struct queens *q, int row,
                                        int column)
{
    struct queens more = *q;
    more.column[row] = (int8_t)column;
    return more;
}

/* ---- matmul ------------------------------------------------------------- */

enum { MATMUL_LEAF = 64 };

/* size x size, row after row. */
struct matmul {
    float *c;
    const float *a, *b;
    int64_t stride;
};

extern struct matmul matmul_input;

void matmul_leaf(float *c, const float *a, const float *b, int64_t stride);

/* ---- UTS ---------------------------------------------------------------- */

struct uts_node {
    uint8_t state[20];
    int32_t depth;
};

/* The tree is the one prepared. */
void uts_root(struct uts_node *root);
int uts_children(const struct uts_node *node);
void uts_child(const struct uts_node *parent, int number,
               struct uts_node *child);

/* ---- cilksort ----------------------------------------------------------- */

enum { SORT_LEAF = 2048 };

struct sort_job {
    int32_t *items, *scratch;
};

extern struct sort_job sort_input;

void sort_leaf(int32_t *items, int64_t n);
void merge_leaf(const int32_t *x, int64_t nx, const int32_t *y, int64_t ny,
                int32_t *to);
/* How many of y's are less than the limit. */
int64_t merge_split(const int32_t *y, int64_t ny, int32_t limit);

#ifdef __cplusplus
}
#endif

#endif
