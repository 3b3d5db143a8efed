/* Questions to a PostgreSQL server, over a pool of connections, and queens on a
 * board meanwhile: who waits for an answer waits beside the processors. The
 * environment says where the server is, as for psql. */
#include "pg.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 10, QUESTIONS = 20, BOARD = 10 };

/* ---- The pool ----------------------------------------------------------- */

/* The scope lets no more tasks in than there are connections. */
static struct pool {
    pthread_mutex_t lock;
    PGconn *free[CONNECTIONS];
    int n;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static PGconn *take(void)
{
    pthread_mutex_lock(&pool.lock);
    PGconn *c = pool.free[--pool.n];
    pthread_mutex_unlock(&pool.lock);
    return c;
}

static void give(PGconn *c)
{
    pthread_mutex_lock(&pool.lock);
    pool.free[pool.n++] = c;
    pthread_mutex_unlock(&pool.lock);
}

static int64_t opens(void *arg)
{
    PGconn *c;
    (void)arg;
    int64_t rc = pg_connect("connect_timeout=20", &c);
    if (rc < 0)
        fprintf(stderr, "%s", PQerrorMessage(c));
    give(c);
    return rc;
}

/* ---- Waiting ------------------------------------------------------------ */

/* For a fifth of a second the server is busy. */
static int64_t asks(void *arg)
{
    char number[16];
    const char *value[] = {number};
    PGconn *c = take();
    PGresult *r;
    snprintf(number, sizeof number, "%d", *(int *)arg);
    int64_t rc =
        pg_query(c, "select $1::int * 2 from pg_sleep(0.2)", 1, value, &r);
    if (rc < 0)
        fprintf(stderr, "%s", PQerrorMessage(c));
    else if (atoi(PQgetvalue(r, 0, 0)) != 2 * *(int *)arg)
        rc = MR_EPROTO;
    PQclear(r);
    give(c);
    return rc;
}

static int64_t questions(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(MR_S * 60));
    for (int i = 0; i < CONNECTIONS; i++)
        mr_scope_go(&scope, opens, NULL, 0);
    int64_t rc = mr_scope_close(&scope);
    if (rc < 0)
        return rc;
    mr_scope_open(&scope, mr_after(MR_S * 60));
    mr_scope_limit(&scope, CONNECTIONS);
    for (int i = 0; rc == 0 && i < QUESTIONS; i++)
        rc = mr_scope_go(&scope, asks, &i, sizeof i);
    int64_t closed = mr_scope_close(&scope);
    return rc < 0 ? rc : closed;
}

/* ---- Computing ---------------------------------------------------------- */

struct board {
    unsigned columns, left, right;
};

MR_FORKABLE(int64_t, solutions, struct board, b)
{
    int64_t sum = 0;
    int children = 0;
    unsigned all = (1U << BOARD) - 1;
    unsigned free = all & ~(b.columns | b.left | b.right);
    if (b.columns == all)
        return 1;
    MR_CHILDREN(solutions, child, BOARD);
    for (; free != 0; free &= free - 1) {
        unsigned queen = free & -free;
        struct board next = {b.columns | queen, (b.left | queen) << 1,
                             (b.right | queen) >> 1};
        MR_SPAWN_AT(solutions, child, children, next);
        children++;
    }
    while (children-- > 0)
        sum += MR_AWAIT_AT(solutions, child, children);
    return sum;
}

static int64_t root(void *arg)
{
    mr_scope scope;
    int64_t ways = 0;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = mr_scope_go(&scope, questions, NULL, 0);
    for (int i = 0; i < 10; i++)
        ways = solutions((struct board){0, 0, 0});
    int64_t answered = mr_scope_close(&scope);
    while (pool.n > 0)
        PQfinish(take());
    if (rc < 0 || answered < 0)
        return rc < 0 ? rc : answered;
    printf("%d answers over %d connections, %" PRId64 " ways\n", QUESTIONS,
           CONNECTIONS, ways);
    return 0;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
