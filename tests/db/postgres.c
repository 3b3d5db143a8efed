/* Queries to a real server from tasks, by libpq and mr_fd_wait: who waits for
 * an answer holds no worker, can be cut short, and learns what went wrong. */
#define _GNU_SOURCE
#include "postgres.h"

#include "streams.h"

/* ---- At the same time --------------------------------------------------- */

enum { HELD = 10 };

static int64_t waits_for_a_lock(void *arg)
{
    const char *value[] = {arg};
    PGresult *r;
    PGconn *c = open_connection();
    EXPECT_EQ(
        pg_query(c, "select $1, pg_advisory_lock_shared(7)", 1, value, &r), 0);
    EXPECT_STR(PQgetvalue(r, 0, 0), value[0]);
    PQclear(r);
    PQfinish(c);
    return 0;
}

static atomic_bool talked;

static int64_t talks(void *arg)
{
    PGconn *c = open_connection();
    char sql[64];
    (void)arg;
    for (int i = 0; i < 50; i++) {
        snprintf(sql, sizeof sql, "select %d * 2", i);
        EXPECT_EQ(number(c, sql), i * 2);
    }
    PQfinish(c);
    atomic_store(&talked, true);
    return 0;
}

/* How many tasks wait for a descriptor. */
static int parked(void)
{
    char *text = NULL;
    size_t size = 0;
    int n = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out);
    EXPECT_EQ(mr_dump(mr_self(), out), 0);
    fclose(out);
    for (char *at = text; (at = strstr(at, "waits for a descriptor")); at++)
        n++;
    free(text);
    return n;
}

/* None of them ends before the computing has, and neither does another's talk
 * with the server begin before it, nor the computing end before that talk. */
static int64_t go_on(void *arg)
{
    mr_scope scope;
    mr_task task[HELD], talk;
    char name[HELD][4];
    (void)arg;
    PGconn *c = open_connection();
    atomic_store(&talked, false);
    execute(c, "select pg_advisory_lock(7)");
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < HELD; i++) {
        snprintf(name[i], sizeof name[i], "%d", i);
        mr_scope_spawn(&scope, &task[i], waits_for_a_lock, name[i]);
    }
    comes_to(c, "select count(*) from pg_locks where not granted", HELD);
    while (parked() != HELD)
        mr_sleep(MR_MS);
    mr_scope_spawn(&scope, &talk, talks, NULL);
    compute(20, &talked);
    EXPECT_EQ(parked(), HELD);
    for (int i = 0; i < HELD; i++)
        EXPECT_EQ(mr_task_result(&task[i]), MR_EBUSY);
    EXPECT_EQ(number(c, "select pg_advisory_unlock(7)::int"), 1);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    PQfinish(c);
    return 0;
}

TEST(postgres, who_waits_for_an_answer_holds_up_nobody)
{
    both(go_on);
}

/* ---- Many over a few ---------------------------------------------------- */

enum { CONNECTIONS = 8, TASKS = 100, QUERIES = 5 };

static PGconn *pool[CONNECTIONS];
static atomic_bool held[CONNECTIONS];
static atomic_int in_use;

static int64_t asks(void *arg)
{
    int n = *(int *)arg, mine = 0;
    char sum[64];
    while (atomic_exchange(&held[mine], true))
        mine = (mine + 1) % CONNECTIONS;
    EXPECT(atomic_fetch_add(&in_use, 1) < CONNECTIONS);
    for (int i = 0; i < QUERIES; i++) {
        snprintf(sum, sizeof sum, "select sum(i) from generate_series(1, %d) i",
                 n * i + 1);
        EXPECT_EQ(number(pool[mine], sum), (n * i + 1) * (n * i + 2) / 2);
        EXPECT_EQ(fib(15), 610);
    }
    atomic_fetch_sub(&in_use, 1);
    atomic_store(&held[mine], false);
    return 0;
}

static int64_t many_ask(void *arg)
{
    mr_scope scope;
    (void)arg;
    for (int i = 0; i < CONNECTIONS; i++)
        pool[i] = open_connection();
    mr_scope_open(&scope, MR_NEVER);
    EXPECT_EQ(mr_scope_limit(&scope, CONNECTIONS), 0);
    for (int i = 0; i < TASKS; i++)
        EXPECT_EQ(mr_scope_go(&scope, asks, &i, sizeof i), 0);
    EXPECT_EQ(mr_scope_close(&scope), 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        EXPECT(is_idle(pool[i]));
        PQfinish(pool[i]);
    }
    return 0;
}

TEST(postgres, many_tasks_take_turns_with_a_few_connections)
{
    both(many_ask);
}

/* Neither side reads before the other: more than any buffer holds. */
static int64_t is_large(void *arg)
{
    size_t size = (size_t)slow_scale(8 << 20);
    char *text = malloc(size + 1);
    const char *value[] = {text};
    PGresult *r;
    (void)arg;
    EXPECT(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i * i % 26);
    text[size] = '\0';
    PGconn *c = open_connection();
    EXPECT_EQ(pg_query(c, "select $1::text", 1, value, &r), 0);
    EXPECT_EQ(PQgetlength(r, 0, 0), size);
    EXPECT(memcmp(PQgetvalue(r, 0, 0), text, size) == 0);
    PQclear(r);
    PQfinish(c);
    free(text);
    return 0;
}

TEST(postgres, what_is_large_comes_back_whole)
{
    both(is_large);
}

/* ---- Cut short ---------------------------------------------------------- */

#define RUNNING                                                                \
    "select count(*) from pg_stat_activity where state = 'active' and "        \
    "query ~ '^select pg_sleep'"

static int64_t is_cut_short(void *arg)
{
    mr_scope scope;
    PGresult *r;
    PGconn *c = open_connection(), *other = open_connection();
    (void)arg;
    int64_t began = mr_now();
    for (int i = 0; i < 3; i++) {
        mr_scope_open(&scope, mr_after(100 * MR_MS));
        EXPECT_EQ(pg_query(c, "select pg_sleep(60)", 0, NULL, &r),
                  MR_ECANCELED);
        PQclear(r);
        EXPECT_EQ(pg_query(c, "select 1", 0, NULL, &r), MR_ECANCELED);
        EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
        EXPECT(is_idle(c));
        comes_to(other, RUNNING, 0);
        EXPECT_EQ(number(c, "select 42"), 42);
    }
    EXPECT(mr_now() - began < 50 * MR_S);
    PQfinish(c);
    PQfinish(other);
    return 0;
}

TEST(postgres, a_deadline_stops_the_query_in_the_server_too)
{
    both(is_cut_short);
}

/* Somebody listens and says nothing. */
static int64_t says_nothing(void *arg)
{
    mr_address at;
    mr_scope scope;
    PGconn *c;
    char info[64];
    (void)arg;
    mr_handle listener = listen_on_loopback(&at, 0);
    snprintf(info, sizeof info, "host=127.0.0.1 port=%u", mr_address_port(&at));
    mr_scope_open(&scope, mr_after(50 * MR_MS));
    EXPECT_EQ(pg_connect(info, &c), MR_ECANCELED);
    PQfinish(c);
    EXPECT_EQ(mr_scope_close(&scope), MR_ETIMEDOUT);
    return mr_close(listener);
}

TEST(postgres, connecting_ends_with_the_scope)
{
    both(says_nothing);
}

/* ---- Refused ------------------------------------------------------------ */

static int64_t is_refused(void *arg)
{
    PGconn *c;
    PGresult *r;
    (void)arg;
    EXPECT_EQ(pg_connect("host=127.0.0.1 password=wrong", &c), MR_ECONNREFUSED);
    EXPECT_MSG(strstr(PQerrorMessage(c), "password authentication failed"),
               "%s", PQerrorMessage(c));
    PQfinish(c);
    EXPECT_EQ(pg_connect("nonsense=1", &c), MR_ECONNREFUSED);
    EXPECT(strstr(PQerrorMessage(c), "nonsense"));
    PQfinish(c);
    c = open_connection();
    EXPECT_EQ(pg_query(c, "selekt 1", 0, NULL, &r), MR_EREMOTEIO);
    EXPECT_STR(PQresultErrorField(r, PG_DIAG_SQLSTATE), "42601");
    PQclear(r);
    EXPECT_EQ(number(c, "select 1"), 1);
    PQfinish(c);
    return 0;
}

TEST(postgres, what_is_refused_is_said_and_why)
{
    both(is_refused);
}

/* Of two hosts the first answers no more: the connection goes on to the second
 * over another socket. */
static int64_t goes_on_to_the_second(void *arg)
{
    mr_address at;
    PGconn *c;
    char info[128];
    (void)arg;
    for (int i = 0; i < 5; i++) {
        mr_handle listener = listen_on_loopback(&at, 0);
        EXPECT_EQ(mr_close(listener), 0);
        snprintf(info, sizeof info,
                 "host=127.0.0.1,127.0.0.1,127.0.0.1 port=%u,%u,%s",
                 mr_address_port(&at), mr_address_port(&at), getenv("PGPORT"));
        int64_t rc = pg_connect(info, &c);
        EXPECT_MSG(rc == 0, "%s: %s", mr_error_name(rc), PQerrorMessage(c));
        EXPECT_STR(PQport(c), getenv("PGPORT"));
        EXPECT_EQ(number(c, "select 1"), 1);
        PQfinish(c);
    }
    return 0;
}

TEST(postgres, connecting_goes_from_host_to_host)
{
    both(goes_on_to_the_second);
}
