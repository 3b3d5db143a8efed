/* Tests against the server that with_postgres.py has started. */
#ifndef TESTS_DB_POSTGRES_H
#define TESTS_DB_POSTGRES_H

#include "../examples/pg.h"
#include "computing.h"
#include "test.h"

/* How it is reached: by the unix socket that the environment names, or by
 * loopback. */
static inline const char **reached_by(void)
{
    static const char *info = "";
    return &info;
}

static inline int64_t run_on(const char *info, unsigned workers, mr_fn fn)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    *reached_by() = info;
    return mr_main(&config, fn, NULL);
}

#define TCP "host=127.0.0.1"

static inline void both(mr_fn fn)
{
    EXPECT_MSG(getenv("PGHOST"), "run by with_postgres.py");
    EXPECT_EQ(run_on("", 1, fn), 0);
    EXPECT_EQ(run_on(TCP, 4, fn), 0);
}

/* In tasks. */
static inline PGconn *open_connection(void)
{
    PGconn *c;
    int64_t rc = pg_connect(*reached_by(), &c);
    EXPECT_MSG(rc == 0, "%s: %s", mr_error_name(rc), PQerrorMessage(c));
    return c;
}

static inline bool is_idle(const PGconn *c)
{
    return PQstatus(c) == CONNECTION_OK &&
           PQtransactionStatus(c) == PQTRANS_IDLE;
}

/* One number, which the server is asked for. */
static inline int64_t number(PGconn *c, const char *sql)
{
    PGresult *r;
    int64_t rc = pg_query(c, sql, 0, NULL, &r);
    EXPECT_MSG(rc == 0 && PQntuples(r) == 1, "%s: %s: %s", sql,
               mr_error_name(rc), PQerrorMessage(c));
    int64_t n = atoll(PQgetvalue(r, 0, 0));
    PQclear(r);
    return n;
}

static inline void execute(PGconn *c, const char *sql)
{
    PGresult *r;
    int64_t rc = pg_query(c, sql, 0, NULL, &r);
    EXPECT_MSG(rc == 0, "%s: %s: %s", sql, mr_error_name(rc),
               PQerrorMessage(c));
    PQclear(r);
}

/* Until the server says `n`. */
static inline void comes_to(PGconn *c, const char *sql, int64_t n)
{
    int64_t until = mr_after(30 * MR_S);
    while (number(c, sql) != n) {
        EXPECT_MSG(mr_now() < until, "%s never is %" PRId64, sql, n);
        mr_sleep(2 * MR_MS);
    }
}

#endif
