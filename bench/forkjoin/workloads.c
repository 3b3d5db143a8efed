#define OPENSSL_SUPPRESS_DEPRECATED
#include "workloads.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define MIB ((int64_t)1 << 20)
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool nothing(int64_t size)
{
    (void)size;
    return true;
}

static int64_t itself(int64_t size)
{
    return size;
}

/* ---- fib ---------------------------------------------------------------- */

static int64_t fib_known(int64_t n)
{
    int64_t a = 0, b = 1;
    for (int64_t i = 0; i < n; i++) {
        int64_t next = a + b;
        a = b;
        b = next;
    }
    return a;
}

static bool fib_possible(int64_t n)
{
    return n <= 90;
}

static bool fib_right(int64_t n, int64_t result)
{
    return result == fib_known(n);
}

/* An addition each. */
static int64_t fib_tasks(int64_t n)
{
    return fib_known(n + 1) - 1;
}

/* ---- skynet ------------------------------------------------------------- */

static bool skynet_possible(int64_t leaves)
{
    int64_t n = 1;
    while (n < leaves && n < 1000000000)
        n *= SKYNET_CHILDREN;
    return n == leaves;
}

static bool skynet_right(int64_t leaves, int64_t result)
{
    return result == leaves * (leaves - 1) / 2;
}

/* ---- nqueens ------------------------------------------------------------ */

/* Solutions, and the boards on the way to them with one queen or more. */
static const struct {
    int32_t solutions, placed;
} queens_known[] = {
    {1, 0},          {1, 1},           {0, 2},
    {0, 5},          {2, 16},          {10, 53},
    {4, 152},        {40, 551},        {92, 2056},
    {352, 8393},     {724, 35538},     {2680, 166925},
    {14200, 856188}, {73712, 4674889}, {365596, 27358552},
};

static bool queens_possible(int64_t n)
{
    return n >= 1 && n < (int64_t)LENGTH(queens_known);
}

static bool queens_right(int64_t n, int64_t result)
{
    return result == queens_known[n].solutions;
}

static int64_t queens_tasks(int64_t n)
{
    return queens_known[n].placed;
}

/* ---- matmul ------------------------------------------------------------- */

struct matmul matmul_input;
static float *matmul_all;

static bool matmul_possible(int64_t n)
{
    return n >= MATMUL_LEAF && n <= 16384 && (n & (n - 1)) == 0;
}

/* Small whole numbers: every sum is exact, in whatever order. */
static bool matmul_prepare(int64_t n)
{
    size_t count = (size_t)(n * n);
    free(matmul_all);
    matmul_all = aligned_alloc(64, 3 * count * sizeof(float));
    if (!matmul_all)
        return false;
    float *c = matmul_all, *a = c + count, *b = a + count;
    for (size_t i = 0; i < count; i++) {
        c[i] = 0;
        a[i] = (float)((i * 2654435761u >> 7) % 8);
        b[i] = (float)((i * 2246822519u >> 9) % 8);
    }
    matmul_input = (struct matmul){c, a, b, n};
    return true;
}

/* y = M x */
static void times(const float *m, const double *x, double *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = 0;
        for (int64_t j = 0; j < n; j++)
            y[i] += (double)m[i * n + j] * x[j];
    }
}

/* C x = A (B x), exactly: a wrong element shows, unless several cancel. */
static bool matmul_right(int64_t n, int64_t result)
{
    double *x = calloc((size_t)n * 4, sizeof *x);
    if (!x)
        return false;
    double *bx = x + n, *abx = bx + n, *cx = abx + n;
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)(i * 7919 % 1009 + 1);
    times(matmul_input.b, x, bx, n);
    times(matmul_input.a, bx, abx, n);
    times(matmul_input.c, x, cx, n);
    bool same = memcmp(abx, cx, (size_t)n * sizeof *cx) == 0;
    free(x);
    return same && result == n;
}

static int64_t matmul_tasks(int64_t n)
{
    int64_t side = n / MATMUL_LEAF;
    return side * side * side;
}

void matmul_leaf(float *restrict c, const float *restrict a,
                 const float *restrict b, int64_t stride)
{
    for (int i = 0; i < MATMUL_LEAF; i++)
        for (int k = 0; k < MATMUL_LEAF; k++)
            for (int j = 0; j < MATMUL_LEAF; j++)
                c[i * stride + j] += a[i * stride + k] * b[k * stride + j];
}

/* ---- UTS ---------------------------------------------------------------- */

/* Trees, names and counts are those of the benchmark's authors (S. Olivier et
 * al., UTS: An Unbalanced Tree Search Benchmark, LCPC 2006); the smallest is
 * ours and counted by the sequential program. */
static const struct tree {
    int64_t size, nodes;
    bool geometric; /* of fixed branching, up to a depth; else binomial */
    int seed, most_depth, children;
    double branching, chance;
} trees[] = {
    {0, 3987, true, 19, 5, 0, 4, 0},
    {1, 4130071, true, 19, 10, 0, 4, 0},
    {11, 102181082, true, 29, 13, 0, 4, 0},
    {3, 4112897, false, 42, 0, 8, 2000, 0.124875},
    {13, 111345631, false, 7, 0, 5, 2000, 0.200014},
};

static const struct tree *tree;

static const struct tree *tree_of(int64_t size)
{
    for (size_t i = 0; i < LENGTH(trees); i++)
        if (trees[i].size == size)
            return &trees[i];
    return NULL;
}

static bool uts_possible(int64_t size)
{
    return tree_of(size) != NULL;
}

static bool uts_prepare(int64_t size)
{
    tree = tree_of(size);
    return true;
}

static bool uts_right(int64_t size, int64_t result)
{
    return result == tree_of(size)->nodes;
}

static int64_t uts_tasks(int64_t size)
{
    return tree_of(size)->nodes;
}

static void put_big_endian(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Without the one-shot SHA1(), which looks the algorithm up on each call. */
static void hash(uint8_t *to, const uint8_t *from, size_t size)
{
    SHA_CTX sha;
    SHA1_Init(&sha);
    SHA1_Update(&sha, from, size);
    SHA1_Final(to, &sha);
}

void uts_root(struct uts_node *root)
{
    uint8_t seed[20] = {0};
    put_big_endian(seed + 16, (uint32_t)tree->seed);
    hash(root->state, seed, sizeof seed);
    root->depth = 0;
}

void uts_child(const struct uts_node *parent, int number,
               struct uts_node *child)
{
    uint8_t from[24];
    memcpy(from, parent->state, 20);
    put_big_endian(from + 20, (uint32_t)number);
    hash(child->state, from, sizeof from);
    child->depth = parent->depth + 1;
}

static double uts_random(const struct uts_node *node)
{
    const uint8_t *s = node->state + 16;
    uint32_t bits = (uint32_t)(s[0] & 0x7f) << 24 | (uint32_t)s[1] << 16 |
                    (uint32_t)s[2] << 8 | s[3];
    return bits / 2147483648.0;
}

int uts_children(const struct uts_node *node)
{
    if (!tree->geometric) {
        if (node->depth == 0)
            return (int)tree->branching;
        return uts_random(node) < tree->chance ? tree->children : 0;
    }
    if (node->depth >= tree->most_depth)
        return 0;
    double p = 1 / (1 + tree->branching);
    int n = (int)floor(log(1 - uts_random(node)) / log(1 - p));
    return n > 100 ? 100 : n;
}

/* ---- cilksort ----------------------------------------------------------- */

struct sort_job sort_input;
static int64_t sort_sum;

static bool sort_possible(int64_t n)
{
    return n >= 1 && n <= 1000000000;
}

static bool sort_prepare(int64_t n)
{
    uint64_t random = 88172645463325252u;
    free(sort_input.items);
    sort_input.items = malloc(2 * (size_t)n * sizeof *sort_input.items);
    if (!sort_input.items)
        return false;
    sort_input.scratch = sort_input.items + n;
    memset(sort_input.scratch, 0, (size_t)n * sizeof *sort_input.items);
    sort_sum = 0;
    for (int64_t i = 0; i < n; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sort_input.items[i] = (int32_t)(random >> 32);
        sort_sum += sort_input.items[i];
    }
    return true;
}

static bool sort_right(int64_t n, int64_t result)
{
    int64_t sum = sort_input.items[0];
    for (int64_t i = 1; i < n; i++) {
        if (sort_input.items[i - 1] > sort_input.items[i])
            return false;
        sum += sort_input.items[i];
    }
    return sum == sort_sum && result == n;
}

static void insert_sorted(int32_t *items, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        int32_t item = items[i];
        int64_t j = i;
        for (; j > 0 && items[j - 1] > item; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

static int32_t median_of(int32_t a, int32_t b, int32_t c)
{
    if (a > b) {
        int32_t swap = a;
        a = b;
        b = swap;
    }
    return c < a ? a : c > b ? b : c;
}

void sort_leaf(int32_t *items, int64_t n)
{
    while (n > 20) {
        int32_t pivot = median_of(items[0], items[n / 2], items[n - 1]);
        int64_t i = 0, j = n - 1;
        while (i <= j) {
            while (items[i] < pivot)
                i++;
            while (items[j] > pivot)
                j--;
            if (i <= j) {
                int32_t swap = items[i];
                items[i++] = items[j];
                items[j--] = swap;
            }
        }
        sort_leaf(items, j + 1);
        items += i;
        n -= i;
    }
    insert_sorted(items, n);
}

void merge_leaf(const int32_t *x, int64_t nx, const int32_t *y, int64_t ny,
                int32_t *to)
{
    while (nx > 0 && ny > 0) {
        bool from_y = *y < *x;
        *to++ = from_y ? *y : *x;
        y += from_y;
        ny -= from_y;
        x += !from_y;
        nx -= !from_y;
    }
    memcpy(to, x, (size_t)nx * sizeof *x);
    memcpy(to + nx, y, (size_t)ny * sizeof *y);
}

int64_t merge_split(const int32_t *y, int64_t ny, int32_t limit)
{
    int64_t low = 0, high = ny;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (y[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- submit ------------------------------------------------------------- */

static bool submit_possible(int64_t n)
{
    return n >= 1;
}

static bool submit_right(int64_t n, int64_t result)
{
    return n == result;
}

/* ---- All of them -------------------------------------------------------- */

static const struct fj_workload workloads[] = {
    {"fib", "spawn", 39, 20, 16 * MIB, fib_possible, nothing, fib_right,
     fib_tasks},
    {"skynet", "leaf", 100000000, 10000, 16 * MIB, skynet_possible, nothing,
     skynet_right, itself},
    {"nqueens", "queen", 14, 8, 16 * MIB, queens_possible, nothing,
     queens_right, queens_tasks},
    {"matmul", "leaf", 2048, 256, 16 * MIB, matmul_possible, matmul_prepare,
     matmul_right, matmul_tasks},
    {"uts", "node", 1, 0, 1024 * MIB, uts_possible, uts_prepare, uts_right,
     uts_tasks},
    {"cilksort", "element", 10000000, 100000, 16 * MIB, sort_possible,
     sort_prepare, sort_right, itself},
    {"submit", "task", 1000000, 10000, 16 * MIB, submit_possible, nothing,
     submit_right, itself},
    {"resubmit", "task", 1000000, 10000, 16 * MIB, submit_possible, nothing,
     submit_right, itself},
};

const struct fj_workload *fj_workload_named(const char *name)
{
    for (size_t i = 0; i < LENGTH(workloads); i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}
