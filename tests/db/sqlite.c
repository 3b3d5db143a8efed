/* Transactions of SQLite from tasks, by mr_blocking. */
#define _GNU_SOURCE
#include "../examples/lite.h"
#include "computing.h"
#include "test.h"

#include <unistd.h>

static char directory[64], path[128];

/* The first number, or 0 where there is none. */
static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t n = 0;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    else if (rc != SQLITE_DONE)
        n = lite_code(db);
    sqlite3_finalize(s);
    return n;
}

static sqlite3 *open_database(void)
{
    sqlite3 *db;
    EXPECT_EQ(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static int64_t count(void)
{
    sqlite3 *db = open_database();
    int64_t n = ask(db, "select n from total");
    sqlite3_close(db);
    return n;
}

/* fn as a task, with a fresh database that nobody leaves open. */
static void with_database(mr_fn fn, unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    strcpy(directory, "/tmp/millrace-sqlite-XXXXXX");
    EXPECT(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/db", directory);
    sqlite3 *db = open_database();
    EXPECT_EQ(sqlite3_exec(db,
                           "pragma journal_mode = wal;"
                           "create table total (n int);"
                           "insert into total values (0)",
                           NULL, NULL, NULL),
              SQLITE_OK);
    sqlite3_close(db);
    EXPECT_EQ(mr_main(&config, fn, NULL), 0);
    EXPECT_EQ(unlink(path), 0);
    EXPECT_EQ(rmdir(directory), 0);
}

static void both(mr_fn fn)
{
    with_database(fn, 1);
    with_database(fn, 4);
}

/* ---- Many --------------------------------------------------------------- */

enum { TASKS = 20, EACH = 10 };

/* What another wrote in between would be lost. */
static int64_t adds_one(sqlite3 *db, void *arg)
{
    char sql[64];
    int64_t n = ask(db, "select n from total");
    if (n < 0)
        return n;
    usleep(100);
    snprintf(sql, sizeof sql, "update total set n = %d", (int)n + 1);
    atomic_fetch_add((atomic_int *)arg, 1);
    return ask(db, sql);
}

static int64_t adds(void *arg)
{
    for (int i = 0; i < EACH; i++)
        EXPECT_EQ(lite_transaction(path, adds_one, arg), 0);
    return 0;
}

static atomic_bool added;

static int64_t all_add(void *arg)
{
    mr_scope scope;
    mr_task task[TASKS];
    atomic_int *runs = arg;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < TASKS; i++)
        mr_scope_spawn(&scope, &task[i], adds, runs);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    atomic_store(&added, true);
    return 0;
}

static int64_t add_up(void *arg)
{
    mr_scope scope;
    mr_task all;
    atomic_int runs;
    (void)arg;
    atomic_init(&runs, 0);
    atomic_store(&added, false);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &all, all_add, &runs);
    compute(10, &added);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(runs, TASKS * EACH);
    EXPECT_EQ(count(), TASKS * EACH);
    return 0;
}

TEST(sqlite, transactions_of_many_tasks_add_up_while_others_compute)
{
    both(add_up);
}

/* ---- Held up ------------------------------------------------------------ */

enum { HELD = 8 };

static int blocked(void)
{
    static const char what[] = "blocking calls: ";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out);
    EXPECT_EQ(mr_dump(mr_self(), out), 0);
    fclose(out);
    const char *at = strstr(text, what);
    int n = at ? atoi(at + sizeof what - 1) : 0;
    free(text);
    return n;
}

/* None of them ends before the computing has. */
static int64_t go_on(void *arg)
{
    mr_scope scope;
    mr_task task[HELD];
    atomic_int runs;
    (void)arg;
    atomic_init(&runs, 0);
    sqlite3 *db = open_database();
    EXPECT_EQ(ask(db, "begin immediate"), 0);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < HELD; i++)
        mr_scope_spawn(&scope, &task[i], adds, &runs);
    while (blocked() != HELD)
        mr_sleep(MR_MS);
    compute(20, NULL);
    EXPECT_EQ(runs, 0);
    for (int i = 0; i < HELD; i++)
        EXPECT_EQ(mr_task_result(&task[i]), MR_EBUSY);
    EXPECT_EQ(ask(db, "commit"), 0);
    sqlite3_close(db);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(count(), HELD * EACH);
    return 0;
}

TEST(sqlite, who_waits_for_another_writer_holds_up_nobody)
{
    both(go_on);
}

/* ---- Nothing of it ------------------------------------------------------ */

static int64_t thinks_better_of_it(sqlite3 *db, void *arg)
{
    int64_t rc = adds_one(db, arg);
    return rc < 0 ? rc : MR_EPROTO;
}

static int64_t has_no_end(sqlite3 *db, void *arg)
{
    int64_t rc = adds_one(db, arg);
    return rc < 0 ? rc
                  : ask(db, "with recursive i(n) as (values(0) union all "
                            "select n + 1 from i) select count(*) from i");
}

static int64_t is_rolled_back(void *arg)
{
    mr_scope scope;
    atomic_int runs;
    (void)arg;
    atomic_init(&runs, 0);
    EXPECT_EQ(lite_transaction(path, thinks_better_of_it, &runs), MR_EPROTO);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(count(), 0);

    mr_scope_open(&scope, mr_after(100 * MR_MS));
    EXPECT_EQ(lite_transaction(path, has_no_end, &runs), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    EXPECT_EQ(count(), 0);

    sqlite3 *db = open_database(); /* while this writes, for ever */
    EXPECT_EQ(ask(db, "begin immediate"), 0);
    mr_scope_open(&scope, mr_after(100 * MR_MS));
    EXPECT_EQ(lite_transaction(path, adds_one, &runs), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    sqlite3_close(db);
    EXPECT_EQ(lite_transaction("/nowhere/at/all", adds_one, &runs), MR_EIO);
    EXPECT_EQ(count(), 0);
    return 0;
}

TEST(sqlite, what_fails_or_is_cut_short_leaves_nothing)
{
    both(is_rolled_back);
}
