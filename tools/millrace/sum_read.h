/* Reading one file: all that `millrace sum` asks of the system about one.
 *
 * Called in tasks. Files are read through millrace/file.h: what is in memory
 * here and now, while what has to be fetched parks the task. What that does not
 * do, to wait for whoever has the other end of a FIFO, and standard input where
 * it stands, is a call that may block, on a thread for such.
 *
 * Must not know: digests, order, who asks.
 */
#ifndef MILLRACE_SUM_READ_H
#define MILLRACE_SUM_READ_H

#include <millrace/file.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sum_source {
    mr_handle file; /* or, below 0, what is read through fd */
    int fd;
    bool slow, standard_input;
    int64_t offset;      /* of the file: how much has been read */
    mr_file_info before; /* as it was when it was opened */
} sum_source;

enum sum_how {
    SUM_NAMED = 1,  /* special files too, links followed */
    SUM_SLOW = 2,   /* it is a FIFO or a device: others go on meanwhile */
    SUM_FOLLOW = 4, /* links are followed */
};

/* Open "-", standard input, or a file. 0, or a negative code; MR_ENOTSUP: a
 * special file has taken its place since it was met. */
int sum_source_open(sum_source *s, const char *path, unsigned how);

/* Read until `size` bytes are there or there are no more. How many; below
 * `size`, it ends there. Or a negative code. */
int64_t sum_source_read(sum_source *s, void *buffer, size_t size);

/* Has somebody written to it since it was opened? By its size and time, so
 * what is written within the same tick of the clock may be missed. */
bool sum_source_changed(const sum_source *s);

void sum_source_close(sum_source *s);

#endif
