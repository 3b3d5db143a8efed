/* libpq does not wait where it is asked not to: it says for what, and
 * mr_fd_wait does. What it has only as a call that blocks goes to mr_blocking.
 */
#include "pg.h"

struct start {
    const char *info;
    PGconn *c;
};

/* Looks names up and reads files. */
static int64_t start(void *arg)
{
    struct start *s = arg;
    s->c = PQconnectStart(s->info);
    return s->c ? 0 : MR_ENOMEM;
}

int64_t pg_connect(const char *info, PGconn **c)
{
    struct start s = {info, NULL};
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    int64_t rc = mr_blocking(start, &s);
    *c = s.c;
    if (rc == 0 && PQstatus(s.c) == CONNECTION_BAD)
        rc = MR_ECONNREFUSED;
    while (rc >= 0 && next != PGRES_POLLING_OK) {
        /* From host to host it takes another socket. */
        rc = mr_fd_wait(PQsocket(s.c), next == PGRES_POLLING_READING
                                           ? MR_READABLE
                                           : MR_WRITABLE);
        if (rc >= 0 && (next = PQconnectPoll(s.c)) == PGRES_POLLING_FAILED)
            rc = MR_ECONNREFUSED;
    }
    if (rc >= 0)
        rc = PQsetnonblocking(s.c, 1) == 0 ? 0 : MR_ENOMEM;
    return rc;
}

/* ---- To and fro --------------------------------------------------------- */

static int64_t failed(const PGconn *c)
{
    return PQstatus(c) == CONNECTION_OK ? MR_EREMOTEIO : MR_ECONNRESET;
}

static int64_t wait_for(PGconn *c, unsigned events)
{
    int64_t ready = mr_fd_wait(PQsocket(c), events);
    if (ready > 0 && ready & MR_READABLE && !PQconsumeInput(c))
        return failed(c);
    return ready < 0 ? ready : 0;
}

/* Until something has come, or some of what is to be sent has gone: a server
 * that waits to be read from reads nothing. */
static int64_t turn(PGconn *c)
{
    int left = PQflush(c);
    return left < 0 ? failed(c)
                    : wait_for(c, MR_READABLE | (left ? MR_WRITABLE : 0U));
}

/* NULL after the last one. */
static int64_t next_result(PGconn *c, PGresult **r)
{
    *r = NULL;
    while (PQisBusy(c)) {
        int64_t rc = turn(c);
        if (rc < 0)
            return rc;
    }
    *r = PQgetResult(c);
    return 0;
}

static int64_t last_result(PGconn *c, PGresult **last)
{
    PGresult *r;
    int64_t rc;
    while ((rc = next_result(c, &r)) == 0 && r) {
        PQclear(*last);
        *last = r;
        if (PQresultStatus(r) == PGRES_COPY_IN ||
            PQresultStatus(r) == PGRES_COPY_OUT)
            return 0;
    }
    if (rc == 0 && PQresultStatus(*last) == PGRES_FATAL_ERROR)
        rc = failed(c);
    return rc;
}

/* ---- Copies ------------------------------------------------------------- */

static int64_t put(PGconn *c, const char *data, int size)
{
    int done = 0, left = 0;
    int64_t rc = 0;
    while (rc == 0 && (done = PQputCopyData(c, data, size)) == 0)
        rc = turn(c);
    /* What libpq keeps does not grow: we wait until it is gone. */
    while (done > 0 && rc == 0 && (left = PQflush(c)) > 0)
        rc = wait_for(c, MR_READABLE | MR_WRITABLE);
    return rc == 0 && (done < 0 || left < 0) ? failed(c) : rc;
}

static int64_t put_end(PGconn *c, const char *why)
{
    int done = 0;
    int64_t rc = 0;
    while (rc == 0 && (done = PQputCopyEnd(c, why)) == 0)
        rc = turn(c);
    return rc == 0 && done < 0 ? failed(c) : rc;
}

static int64_t get(PGconn *c, char **row, int *size)
{
    int64_t rc = 0;
    while (rc == 0 && (*size = PQgetCopyData(c, row, 1)) == 0)
        rc = turn(c);
    return rc == 0 && *size < -1 ? failed(c) : rc;
}

/* ---- Cut short ---------------------------------------------------------- */

static int64_t cancel(void *arg)
{
    char why[256];
    return PQcancel(arg, why, sizeof why) ? 0 : MR_EREMOTEIO;
}

/* What still comes, nobody wants it. */
static int64_t drain(PGconn *c)
{
    PGresult *r;
    int64_t rc;
    while ((rc = next_result(c, &r)) == 0 && r) {
        ExecStatusType status = PQresultStatus(r);
        char *row = NULL;
        int size;
        PQclear(r);
        if (status == PGRES_COPY_IN)
            rc = put_end(c, "called off");
        else if (status == PGRES_COPY_OUT)
            rc = get(c, &row, &size);
        PQfreemem(row);
        if (rc < 0)
            break;
    }
    return rc;
}

/* After a wait that has ended with rc. Where the scope was cut short the server
 * works on, unless it is told; when all has come that it says to that, the
 * connection is good again. A query that it has not begun does not hear it, so
 * it is told again after a second. */
static int64_t ended(PGconn *c, int64_t rc)
{
    PGcancel *to = rc == MR_ECANCELED ? PQgetCancel(c) : NULL;
    int64_t drained = MR_ECANCELED;
    mr_scope scope;
    for (int i = 0; to && i < 10 && drained == MR_ECANCELED; i++) {
        mr_scope_shield(&scope, mr_after(MR_S));
        drained = mr_blocking(cancel, to);
        if (drained == 0)
            drained = drain(c);
        mr_scope_close(&scope);
    }
    PQfreeCancel(to);
    return rc;
}

/* ---- The face ----------------------------------------------------------- */

int64_t pg_query(PGconn *c, const char *sql, int n, const char *const *value,
                 PGresult **r)
{
    *r = NULL;
    if (mr_cancelled())
        return MR_ECANCELED;
    if (!PQsendQueryParams(c, sql, n, NULL, value, NULL, NULL, 0))
        return failed(c);
    return ended(c, last_result(c, r));
}

int64_t pg_copy_put(PGconn *c, const char *data, int size)
{
    return ended(c, put(c, data, size));
}

int64_t pg_copy_end(PGconn *c, const char *why, PGresult **r)
{
    *r = NULL;
    int64_t rc = put_end(c, why), last = 0;
    if (rc == 0 || rc == MR_EREMOTEIO)
        last = last_result(c, r);
    return ended(c, rc < 0 ? rc : last);
}

int64_t pg_copy_get(PGconn *c, char **row, int *size)
{
    PGresult *r = NULL;
    int64_t rc = get(c, row, size);
    if (rc == 0 && *size < 0)
        rc = last_result(c, &r);
    PQclear(r);
    return ended(c, rc);
}

int64_t pg_notified(PGconn *c, PGnotify **notify)
{
    int64_t rc = 0;
    while (rc == 0 && !(*notify = PQnotifies(c)))
        rc = turn(c);
    return rc;
}
