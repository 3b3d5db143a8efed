/* What is in a directory, by name in the order of its bytes. */
#ifndef MILLRACE_SUM_DIR_H
#define MILLRACE_SUM_DIR_H

#include "sum_stats.h"

#include <millrace/file.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sum_entry {
    union {
        size_t at;        /* in `names`, while they grow */
        const char *name; /* afterwards */
    };
    uint32_t type; /* mr_file_type; FILE, too, where it could not be looked at:
                      whoever opens it will learn why */
    int64_t size;  /* of a file */
} sum_entry;

typedef struct sum_dir {
    sum_entry *entry;
    size_t count, room;
    char *names;
    size_t names_len, names_room;
    uint64_t device, id; /* which directory this is */
} sum_dir;

/* In a task. 0 or a negative code, and there is nothing to close. `follow`: of
 * a link, the type and the size of what it leads to. */
int sum_dir_open(sum_dir *d, sum_stats *stats, const char *path, bool follow);
void sum_dir_close(sum_dir *d);

/* What `path` is, or leads to. In a task; 0 or a negative code. */
int sum_dir_look(sum_stats *stats, const char *path, bool follow,
                 mr_file_info *out);

#endif
