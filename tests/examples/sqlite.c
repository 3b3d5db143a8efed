/* Money goes from account to account of an SQLite database, a task for each
 * transfer, while the processors place queens on a board. */
#include "lite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCOUNTS = 10, EACH = 1000, TRANSFERS = 100, BOARD = 10 };

/* ---- Transfers ---------------------------------------------------------- */

static const char *path;

static int64_t execute(sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : lite_code(db);
}

static int64_t moves(sqlite3 *db, void *arg)
{
    int n = *(int *)arg;
    char sql[160];
    snprintf(sql, sizeof sql,
             "update account set has = has - %d where id = %d;"
             "update account set has = has + %d where id = %d",
             n, n % ACCOUNTS, n, n * 7 % ACCOUNTS);
    return execute(db, sql);
}

static int64_t transfer(void *arg)
{
    return lite_transaction(path, moves, arg);
}

/* One writes at a time; a few that are ready to are enough. */
static int64_t transfers(void *arg)
{
    mr_scope scope;
    (void)arg;
    mr_scope_open(&scope, mr_after(60 * MR_S));
    mr_scope_limit(&scope, 4);
    for (int i = 0; i < TRANSFERS; i++)
        if (mr_scope_go(&scope, transfer, &i, sizeof i) < 0)
            mr_scope_cancel(&scope);
    return mr_scope_close(&scope);
}

static int64_t sum(sqlite3 *db, void *arg)
{
    sqlite3_stmt *s = NULL;
    int64_t rc = MR_EIO;
    (void)arg;
    if (sqlite3_prepare_v2(db, "select sum(has) from account", -1, &s, NULL) ==
            SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        rc = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc;
}

/* ---- Queens ------------------------------------------------------------- */

struct board {
    unsigned columns, left, right;
};

MR_FORKABLE(int64_t, solutions, struct board, b)
{
    int64_t ways = 0;
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
        ways += MR_AWAIT_AT(solutions, child, children);
    return ways;
}

static int64_t root(void *arg)
{
    mr_scope scope;
    int64_t ways = 0;
    (void)arg;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = mr_scope_go(&scope, transfers, NULL, 0);
    for (int i = 0; i < 10; i++)
        ways = solutions((struct board){0, 0, 0});
    int64_t closed = mr_scope_close(&scope);
    int64_t all = lite_transaction(path, sum, NULL);
    if (rc < 0 || closed < 0 || all < 0)
        return rc < 0 ? rc : closed < 0 ? closed : all;
    printf("%d transfers, %" PRId64 " in all, %" PRId64 " ways\n", TRANSFERS,
           all, ways);
    return 0;
}

/* Before there are tasks. */
static int64_t create(void)
{
    sqlite3 *db = NULL;
    char sql[256];
    snprintf(sql, sizeof sql,
             "pragma journal_mode = wal;"
             "create table account (id integer primary key, has integer);"
             "with recursive i(n) as (values(0) union all select n + 1 from i "
             "where n < %d) insert into account select n, %d from i",
             ACCOUNTS - 1, EACH);
    int64_t rc =
        sqlite3_open(path, &db) == SQLITE_OK ? execute(db, sql) : MR_EIO;
    sqlite3_close(db);
    return rc;
}

int main(void)
{
    char directory[] = "/tmp/sqlite-XXXXXX", file[64];
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    snprintf(file, sizeof file, "%s/mill", directory);
    path = file;
    int64_t rc = create();
    if (rc == 0)
        rc = mr_main(NULL, root, NULL);
    unlink(path); /* the last connection has taken the log with it */
    rmdir(directory);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
