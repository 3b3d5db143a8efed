/* Reading one file: all that `millrace sum` asks of the system about one.
 *
 * Called in tasks. What may wait for somebody else for long (a FIFO, a
 * terminal, a pipe) parks the task; a disk is waited for as by anybody.
 *
 * Must not know: digests, order, who asks.
 */
#ifndef MILLRACE_SUM_READ_H
#define MILLRACE_SUM_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct sum_source {
    int fd;
    bool slow, standard_input;
    struct stat before; /* as it was when it was opened */
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

/* What `path` names, links followed. 0 or a negative code. */
int sum_stat(const char *path, struct stat *out);

/* Open with open(2)'s flags a path of any length, PATH_MAX or not. A
 * descriptor or a negative code. */
int sum_open_path(const char *path, int flags);

#endif
