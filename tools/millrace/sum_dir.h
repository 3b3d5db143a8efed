/* What is in a directory, by name in the order of its bytes. */
#ifndef MILLRACE_SUM_DIR_H
#define MILLRACE_SUM_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct sum_entry {
    union {
        size_t at;        /* in `names`, while they grow */
        const char *name; /* afterwards */
    };
    mode_t type;  /* S_IFREG and so on; 0 where it could not be found out */
    int64_t size; /* of a regular file */
} sum_entry;

typedef struct sum_dir {
    sum_entry *entry;
    size_t count, room;
    char *names;
    size_t names_len, names_room;
    dev_t device; /* which directory this is */
    ino_t inode;
} sum_dir;

/* 0 or a negative code, and there is nothing to close. `follow`: of a link,
 * the type and the size of what it leads to. */
int sum_dir_open(sum_dir *d, const char *path, bool follow);
void sum_dir_close(sum_dir *d);

#endif
