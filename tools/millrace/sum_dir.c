/* See sum_dir.h. All names are there at once, for they are to be sorted; so
 * each directory is a walk of its own, that goes no further down. */
#include "sum_dir.h"

#include <millrace.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` after `used`. */
static bool grow(void **memory, size_t *room, size_t used, size_t more,
                 size_t size)
{
    if (used + more <= *room)
        return true;
    size_t wanted = (used + more) * 2;
    void *grown = realloc(*memory, wanted * size);
    if (!grown)
        return false;
    *memory = grown;
    *room = wanted;
    return true;
}

int sum_dir_look(sum_stats *stats, const char *path, bool follow,
                 mr_file_info *out)
{
    sum_mark mark;
    sum_stats_pause(stats, &mark);
    int rc = (follow ? mr_stat : mr_lstat)(path, out);
    sum_stats_resume(stats, &mark);
    return rc;
}

static int next(sum_stats *stats, mr_walk *walk, mr_walk_entry *out)
{
    sum_mark mark;
    sum_stats_pause(stats, &mark);
    int rc = mr_walk_next(walk, out);
    sum_stats_resume(stats, &mark);
    return rc;
}

/* One that is gone since, or a link to nothing, is a file of size 0. */
static void look(sum_entry *entry, sum_stats *stats, const char *path,
                 bool follow)
{
    mr_file_info info;
    bool is_link = entry->type == MR_TYPE_LINK;
    if (entry->type != MR_TYPE_UNKNOWN && entry->type != MR_TYPE_FILE &&
        !(is_link && follow))
        return;
    if (sum_dir_look(stats, path, follow, &info) < 0)
        info = (mr_file_info){.type = MR_TYPE_FILE};
    entry->type = info.type;
    entry->size = info.size;
}

static int add(sum_dir *d, sum_stats *stats, const mr_walk_entry *e,
               bool follow)
{
    size_t len = strlen(e->name) + 1;
    if (!grow((void **)&d->names, &d->names_room, d->names_len, len, 1) ||
        !grow((void **)&d->entry, &d->room, d->count, 1, sizeof *d->entry))
        return MR_ENOMEM;
    sum_entry *entry = &d->entry[d->count++];
    *entry = (sum_entry){.at = d->names_len, .type = e->type};
    memcpy(d->names + d->names_len, e->name, len);
    d->names_len += len;
    look(entry, stats, e->path, follow);
    return 0;
}

/* What comes first is the directory itself, and once more where it could not be
 * read. */
static int read_all(sum_dir *d, sum_stats *stats, mr_walk *walk, bool follow)
{
    mr_walk_entry e;
    for (;;) {
        int rc = next(stats, walk, &e);
        if (rc <= 0)
            return rc;
        if (e.depth == 0) {
            if (e.error < 0)
                return e.error;
            continue;
        }
        if (e.type == MR_TYPE_DIRECTORY)
            mr_walk_skip(walk);
        rc = add(d, stats, &e, follow);
        if (rc < 0)
            return rc;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const sum_entry *)a)->name, ((const sum_entry *)b)->name);
}

static void sort(sum_dir *d)
{
    for (size_t i = 0; i < d->count; i++)
        d->entry[i].name = d->names + d->entry[i].at;
    if (d->count > 0)
        qsort(d->entry, d->count, sizeof *d->entry, by_name);
}

int sum_dir_open(sum_dir *d, sum_stats *stats, const char *path, bool follow)
{
    mr_walk walk;
    mr_file_info info;
    *d = (sum_dir){.count = 0};
    int rc = sum_dir_look(stats, path, true, &info);
    if (rc == 0)
        rc = mr_walk_open(&walk, path, 0);
    if (rc < 0)
        return rc;
    d->device = info.device;
    d->id = info.id;
    rc = read_all(d, stats, &walk, follow);
    mr_walk_close(&walk);
    if (rc < 0)
        sum_dir_close(d);
    else
        sort(d);
    return rc;
}

void sum_dir_close(sum_dir *d)
{
    free(d->entry);
    free(d->names);
    *d = (sum_dir){.count = 0};
}
