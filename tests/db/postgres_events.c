/* What is not a question and an answer: notifications, copies, and servers
 * that die. */
#define _GNU_SOURCE
#include "postgres.h"

#include <signal.h>

/* ---- Notifications ------------------------------------------------------ */

enum { NOTES = 20 };

static int64_t listens(void *arg)
{
    PGconn *c = arg;
    PGnotify *note;
    char expected[16];
    for (int i = 0; i < NOTES; i++) {
        EXPECT_EQ(pg_notified(c, &note), 0);
        snprintf(expected, sizeof expected, "grain %d", i);
        EXPECT_STR(note->relname, "mill");
        EXPECT_STR(note->extra, expected);
        PQfreemem(note);
    }
    return 0;
}

static int64_t are_awaited(void *arg)
{
    mr_task listener;
    mr_scope scope;
    PGnotify *note;
    char sql[64];
    (void)arg;
    PGconn *c = open_connection(), *other = open_connection();
    execute(c, "listen mill");
    mr_scope_open(&scope, mr_after(50 * MR_MS));
    EXPECT_EQ(pg_notified(c, &note), MR_ECANCELED);
    EXPECT(!note);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    mr_spawn(&listener, listens, c);
    for (int i = 0; i < NOTES; i++) {
        snprintf(sql, sizeof sql, "notify mill, 'grain %d'", i);
        execute(other, sql);
        if (i % 4 == 0)
            mr_sleep(MR_MS);
    }
    EXPECT_EQ(mr_await(&listener), 0);
    EXPECT_EQ(number(c, "select 1"), 1);
    PQfinish(c);
    PQfinish(other);
    return 0;
}

TEST(postgres_events, notifications_are_awaited_in_order)
{
    both(are_awaited);
}

/* ---- Copies ------------------------------------------------------------- */

enum { CHUNK = 500 };

static int rows(void)
{
    return slow_scale(100000) / CHUNK * CHUNK;
}

static atomic_bool copied;

static void begin_copy(PGconn *c, const char *sql, ExecStatusType kind)
{
    PGresult *r;
    EXPECT_EQ(pg_query(c, sql, 0, NULL, &r), 0);
    EXPECT_EQ(PQresultStatus(r), kind);
    PQclear(r);
}

/* Some 60 bytes a row. */
static int64_t copies_in(void *arg)
{
    PGconn *c = arg;
    PGresult *r;
    char *chunk = malloc(CHUNK * 80);
    EXPECT(chunk);
    begin_copy(c, "copy grain from stdin", PGRES_COPY_IN);
    for (int i = 0; i < rows();) {
        int size = 0;
        for (int end = i + CHUNK; i < end; i++)
            size += snprintf(chunk + size, 80, "%d\t%050d\n", i, i * 7);
        EXPECT_EQ(pg_copy_put(c, chunk, size), 0);
    }
    EXPECT_EQ(pg_copy_end(c, NULL, &r), 0);
    EXPECT_EQ(atoi(PQcmdTuples(r)), rows());
    PQclear(r);
    free(chunk);
    atomic_store(&copied, true);
    return 0;
}

static void copy_out(PGconn *c)
{
    char *row, expected[80];
    int size, n = 0;
    begin_copy(c, "copy (select * from grain order by i) to stdout",
               PGRES_COPY_OUT);
    for (;; n++) {
        EXPECT_EQ(pg_copy_get(c, &row, &size), 0);
        if (!row)
            break;
        snprintf(expected, sizeof expected, "%d\t%050d\n", n, n * 7);
        EXPECT_STR(row, expected);
        PQfreemem(row);
    }
    EXPECT_EQ(n, rows());
}

#define CREATE "create temporary table grain (i int, weight text)"

static int64_t are_whole(void *arg)
{
    mr_task task;
    mr_scope scope;
    PGconn *c = open_connection();
    (void)arg;
    execute(c, CREATE);
    atomic_store(&copied, false);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, copies_in, c);
    compute(10, &copied);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    EXPECT_EQ(number(c, "select count(distinct i) from grain"), rows());
    copy_out(c);
    EXPECT(is_idle(c));
    PQfinish(c);
    return 0;
}

TEST(postgres_events, copies_of_megabytes_are_whole_both_ways)
{
    both(are_whole);
}

/* It takes nothing more while `other` holds the lock: the buffers run full. */
static int64_t cut_short_in(PGconn *c, PGconn *other)
{
    static const char row[] = "1\tweight\n";
    int64_t rc = 0;
    mr_scope scope;
    execute(c, "create function pg_temp.lock() returns trigger language "
               "plpgsql as 'begin perform pg_advisory_lock_shared(8); "
               "return new; end'");
    execute(c, "create trigger lock before insert on grain for each row "
               "execute function pg_temp.lock()");
    execute(other, "select pg_advisory_lock(8)");
    begin_copy(c, "copy grain from stdin", PGRES_COPY_IN);
    mr_scope_open(&scope, mr_after(100 * MR_MS));
    while (rc == 0)
        rc = pg_copy_put(c, row, sizeof row - 1);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return rc;
}

/* Each row fills the server's buffer. */
static int64_t cut_short_out(PGconn *c)
{
    mr_scope scope;
    char *row;
    int size;
    int64_t rc;
    begin_copy(c,
               "copy (select repeat('x', 10000), pg_sleep(0.01) "
               "from generate_series(1, 1000000)) to stdout",
               PGRES_COPY_OUT);
    mr_scope_open(&scope, mr_after(100 * MR_MS));
    while ((rc = pg_copy_get(c, &row, &size)) == 0)
        PQfreemem(row);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return rc;
}

static int64_t are_called_off(void *arg)
{
    PGresult *r;
    PGconn *c = open_connection(), *other = open_connection();
    (void)arg;
    execute(c, CREATE);
    EXPECT_EQ(cut_short_in(c, other), MR_ECANCELED);
    EXPECT(is_idle(c));
    EXPECT_EQ(number(c, "select count(*) from grain"), 0);
    begin_copy(c, "copy grain from stdin", PGRES_COPY_IN);
    EXPECT_EQ(pg_copy_end(c, "thought better of it", &r), MR_EREMOTEIO);
    EXPECT(strstr(PQresultErrorMessage(r), "thought better of it"));
    PQclear(r);
    EXPECT_EQ(cut_short_out(c), MR_ECANCELED);
    EXPECT_EQ(number(c, "select 1"), 1);
    PQfinish(c);
    PQfinish(other);
    return 0;
}

TEST(postgres_events, copies_are_called_off)
{
    both(are_called_off);
}

/* ---- Deaths ------------------------------------------------------------- */

struct victim {
    PGconn *c;
    PGresult *r;
};

static int64_t asks_for_long(void *arg)
{
    struct victim *v = arg;
    return pg_query(v->c, "select pg_sleep(60)", 0, NULL, &v->r);
}

#define RUNNING                                                                \
    "select count(*) from pg_stat_activity where state = 'active' and "        \
    "query ~ '^select pg_sleep'"

static int64_t dies_in_order(void *arg)
{
    mr_task task;
    char sql[64];
    (void)arg;
    PGconn *other = open_connection();
    struct victim v = {open_connection(), NULL};
    mr_spawn(&task, asks_for_long, &v);
    comes_to(other, RUNNING, 1);
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%d)::int",
             PQbackendPID(v.c));
    EXPECT_EQ(number(other, sql), 1);
    EXPECT_EQ(mr_await(&task), MR_ECONNRESET);
    EXPECT_STR(PQresultErrorField(v.r, PG_DIAG_SQLSTATE), "57P01");
    PQclear(v.r);
    EXPECT_EQ(pg_query(v.c, "select 1", 0, NULL, &v.r), MR_ECONNRESET);
    PQfinish(v.c);
    PQfinish(other);
    return 0;
}

TEST(postgres_events, a_terminated_server_says_why)
{
    both(dies_in_order);
}

/* The postmaster ends all others too, and begins afresh. */
static int64_t dies(void *arg)
{
    mr_task task;
    PGconn *c;
    (void)arg;
    int64_t rc, until = mr_after(40 * MR_S);
    PGconn *other = open_connection();
    struct victim v = {open_connection(), NULL};
    mr_spawn(&task, asks_for_long, &v);
    comes_to(other, RUNNING, 1);
    EXPECT_EQ(kill(PQbackendPID(v.c), SIGKILL), 0);
    EXPECT_EQ(mr_await(&task), MR_ECONNRESET);
    EXPECT_MSG(strstr(PQerrorMessage(v.c), "closed the connection"), "%s",
               PQerrorMessage(v.c));
    PQclear(v.r);
    PQfinish(v.c);
    PQfinish(other);
    while ((rc = pg_connect(*reached_by(), &c)) < 0 && mr_now() < until) {
        EXPECT_EQ(rc, MR_ECONNREFUSED);
        PQfinish(c);
        mr_sleep(50 * MR_MS);
    }
    EXPECT_EQ(number(c, "select 1"), 1);
    PQfinish(c);
    return 0;
}

TEST(postgres_events, a_killed_server_is_an_error_not_a_hang)
{
    both(dies);
}
