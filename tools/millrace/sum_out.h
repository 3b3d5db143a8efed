/* Where `millrace sum` writes: lines to stdout, messages and a bar to stderr.
 *
 * Lines are gathered and written whole, many at once, so that what is there
 * when the process is killed is no half of a line. Any task may call; one at a
 * time gets in.
 */
#ifndef MILLRACE_SUM_OUT_H
#define MILLRACE_SUM_OUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct sum_out {
    pthread_mutex_t lock;
    char *lines; /* not yet written */
    size_t len, room;
    int error;     /* negative code of the first write that failed, or 0 */
    bool terminal; /* stderr is one: the bar may be drawn */
    bool drawn;    /* and it is there now */
} sum_out;

/* 0 or MR_ENOMEM. */
int sum_out_open(sum_out *out);

/* One or more whole lines. After an error they are dropped. */
void sum_out_write(sum_out *out, const char *lines, size_t len);

/* Now. 0 or the error, this or an earlier one. */
int sum_out_flush(sum_out *out);

/* "millrace sum: " and the rest, on a line of stderr; what was written to
 * stdout before stands above it. */
void sum_out_say(sum_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Draw this in the last line of the terminal, instead of what stands there;
 * "" takes it away. */
void sum_out_bar(sum_out *out, const char *text);

void sum_out_close(sum_out *out);

#endif
