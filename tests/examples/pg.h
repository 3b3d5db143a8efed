/* PostgreSQL from tasks: libpq's own interface, whose waits park the task.
 *
 *     PGconn *c;
 *     PGresult *r = NULL;
 *     int64_t rc = pg_connect("dbname=mill", &c);
 *     if (rc == 0 && (rc = pg_query(c, "select 6 * 7", 0, NULL, &r)) == 0)
 *         puts(PQgetvalue(r, 0, 0));
 *     PQclear(r);
 *     PQfinish(c);
 *
 * All return 0 or a negative code: MR_EREMOTEIO where the server refuses, and
 * the connection can be used again; MR_ECONNRESET where it cannot;
 * MR_ECANCELED where the task's scope was cut short; MR_ENOMEM and others of
 * mr_fd_wait. PQerrorMessage and PQresultErrorMessage have the text. One task
 * at a time uses a connection. */
#ifndef EXAMPLES_PG_H
#define EXAMPLES_PG_H

#include <libpq-fe.h>
#include <millrace.h>

/* MR_ECONNREFUSED where no server accepts us. *c is NULL, or to be given to
 * PQfinish, in any case. */
int64_t pg_connect(const char *info, PGconn **c);

/* The last result of `sql` with n parameters, as text. *r is NULL, or to be
 * given to PQclear, in any case. Who is cut short calls the server off. */
int64_t pg_query(PGconn *c, const char *sql, int n, const char *const *value,
                 PGresult **r);

/* After a query that was COPY FROM STDIN: data, and the end of them, with a
 * reason where they are not to be taken. */
int64_t pg_copy_put(PGconn *c, const char *data, int size);
int64_t pg_copy_end(PGconn *c, const char *why, PGresult **r);

/* After a query that was COPY TO STDOUT: a row, to be given to PQfreemem; NULL
 * where there are no more. */
int64_t pg_copy_get(PGconn *c, char **row, int *size);

/* What comes next of what the connection LISTENs to; for PQfreemem. */
int64_t pg_notified(PGconn *c, PGnotify **notify);

#endif
