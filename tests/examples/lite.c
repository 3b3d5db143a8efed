/* Each transaction has a connection of its own, which no two threads share. */
#define _GNU_SOURCE
#include "lite.h"

#include <stdatomic.h>
#include <unistd.h>

struct transaction {
    const char *path;
    lite_fn body;
    void *arg;
    atomic_bool stop;
};

int64_t lite_code(sqlite3 *db)
{
    switch (sqlite3_errcode(db)) {
    case SQLITE_BUSY:
        return MR_EBUSY;
    case SQLITE_INTERRUPT:
        return MR_ECANCELED;
    case SQLITE_NOMEM:
        return MR_ENOMEM;
    default:
        return MR_EIO;
    }
}

/* ---- On a thread that may block ----------------------------------------- */

/* SQLite asks every so often whether it shall give up. */
static int stops(void *arg)
{
    const struct transaction *t = arg;
    return atomic_load(&t->stop);
}

/* And whether it shall try again. */
static int waits(void *arg, int tries)
{
    return !stops(arg) && tries < 10000 && usleep(1000) == 0;
}

static int64_t run(sqlite3 *db, struct transaction *t)
{
    sqlite3_busy_handler(db, waits, t);
    if (sqlite3_exec(db, "begin immediate", NULL, NULL, NULL) != SQLITE_OK)
        return stops(t) ? MR_ECANCELED : lite_code(db);
    sqlite3_progress_handler(db, 10000, stops, t);
    int64_t rc = t->body(db, t->arg);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (rc >= 0 && sqlite3_exec(db, "commit", NULL, NULL, NULL) != SQLITE_OK)
        rc = lite_code(db);
    if (rc < 0) /* what was not committed ends with the connection anyhow */
        sqlite3_exec(db, "rollback", NULL, NULL, NULL);
    return rc;
}

static int64_t opens_and_runs(void *arg)
{
    struct transaction *t = arg;
    sqlite3 *db = NULL;
    int64_t rc = MR_EIO;
    if (sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        rc = run(db, t);
    sqlite3_close(db);
    return rc;
}

/* ---- In tasks ----------------------------------------------------------- */

/* mr_blocking waits to the end, whatever happens to the scope; this sees it. */
static int64_t watches(void *arg)
{
    struct transaction *t = arg;
    mr_sleep(MR_NEVER);
    atomic_store(&t->stop, true);
    return 0;
}

int64_t lite_transaction(const char *path, lite_fn body, void *arg)
{
    struct transaction t = {.path = path, .body = body, .arg = arg};
    mr_task watcher;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    mr_spawn(&watcher, watches, &t);
    int64_t rc = mr_blocking(opens_and_runs, &t);
    mr_scope_cancel(&scope);
    mr_await(&watcher);
    mr_scope_close(&scope);
    return rc;
}
