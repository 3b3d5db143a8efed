/* SQLite from tasks. It has no descriptor to wait for, its calls block: so a
 * transaction is a function, called on a thread that is kept for that, and the
 * task parks meanwhile. */
#ifndef EXAMPLES_LITE_H
#define EXAMPLES_LITE_H

#include <millrace.h>
#include <sqlite3.h>

/* Part of a transaction, outside of tasks: a value >= 0, or a negative code,
 * lite_code(db) for one. */
typedef int64_t (*lite_fn)(sqlite3 *db, void *arg);

/* body(db, arg) within a transaction that may write, over a connection of its
 * own to the file: all of it is done, or, if the result is negative, nothing.
 * While another one writes it waits, for 10 seconds, then MR_EBUSY. When the
 * task's scope is cut short it is called off: MR_ECANCELED. */
int64_t lite_transaction(const char *path, lite_fn body, void *arg);

/* Of what has failed last. */
int64_t lite_code(sqlite3 *db);

#endif
