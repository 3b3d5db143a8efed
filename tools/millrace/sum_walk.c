/* See sum_walk.h. */
#include "sum_walk.h"

#include "sum_dir.h"

#include <millrace.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

/* A directory that is being gone through. */
struct sum_walk_level {
    struct sum_walk_level *up;
    sum_dir dir;
    size_t next; /* of its entries */
    size_t len;  /* of its path, with the '/' */
};

sum_item *sum_item_new(enum sum_kind kind, const char *path)
{
    size_t len = strlen(path) + 1;
    sum_item *item = malloc(sizeof *item + len);
    if (!item)
        return NULL;
    *item = (sum_item){.kind = kind, .bytes = sizeof *item + len};
    memcpy(item->path, path, len);
    return item;
}

void sum_walk_open(sum_walk *w, const sum_options *options)
{
    *w = (sum_walk){.options = options};
}

void sum_walk_close(sum_walk *w)
{
    while (w->level) {
        struct sum_walk_level *level = w->level;
        w->level = level->up;
        sum_dir_close(&level->dir);
        free(level);
    }
    free(w->path);
}

/* The path becomes its first `len` bytes and `name`. False: no memory. */
static bool set_path(sum_walk *w, size_t len, const char *name)
{
    size_t more = strlen(name) + 2; /* a '/', too */
    if (len + more > w->room) {
        char *grown = realloc(w->path, (len + more) * 2);
        if (!grown)
            return false;
        w->path = grown;
        w->room = (len + more) * 2;
    }
    memcpy(w->path + len, name, more - 1);
    return true;
}

/* NULL: no memory, and nothing more will come. */
static sum_item *make(sum_walk *w, enum sum_kind kind)
{
    sum_item *item = sum_item_new(kind, w->path);
    if (!item) {
        w->no_memory = true;
        return NULL;
    }
    item->algorithm = w->options->algorithm;
    return item;
}

static void put_failed(sum_walk *w, sum_flow *flow, int error)
{
    sum_item *item = make(w, SUM_FAILED);
    if (!item)
        return;
    item->error = error;
    sum_flow_put(flow, item);
}

static bool is_above(const struct sum_walk_level *level, const sum_dir *dir)
{
    for (; level; level = level->up)
        if (level->dir.device == dir->device && level->dir.id == dir->id)
            return true;
    return false;
}

/* The directory that the path names. */
static void enter(sum_walk *w, sum_flow *flow)
{
    struct sum_walk_level *level = malloc(sizeof *level);
    int rc = level ? sum_dir_open(&level->dir, flow->stats, w->path,
                                  w->options->follow)
                   : MR_ENOMEM;
    if (rc == 0 && is_above(w->level, &level->dir)) {
        sum_dir_close(&level->dir);
        rc = MR_ELOOP;
    }
    if (rc < 0) {
        free(level);
        put_failed(w, flow, rc);
        return;
    }
    size_t len = strlen(w->path);
    if (len == 0 || w->path[len - 1] != '/')
        w->path[len++] = '/';
    level->next = 0;
    level->len = len;
    level->up = w->level;
    w->level = level;
    w->directories++;
}

static void put_entry(sum_walk *w, sum_flow *flow, const sum_entry *entry)
{
    if (entry->type == MR_TYPE_LINK) {
        w->links++;
        return;
    }
    if (!set_path(w, w->level->len, entry->name)) {
        w->no_memory = true;
        return;
    }
    if (entry->type == MR_TYPE_DIRECTORY) {
        enter(w, flow);
        return;
    }
    sum_item *item =
        make(w, entry->type == MR_TYPE_FILE ? SUM_FILE : SUM_SKIPPED);
    if (!item)
        return;
    item->size = entry->size;
    sum_flow_put(flow, item);
}

void sum_walk_look(sum_flow *flow, sum_item *item)
{
    mr_file_info info;
    item->named = true;
    item->slow = strcmp(item->path, "-") == 0;
    if (item->slow || sum_dir_look(flow->stats, item->path, true, &info) < 0)
        return;
    item->slow = info.type != MR_TYPE_FILE && info.type != MR_TYPE_DIRECTORY;
    if (info.type == MR_TYPE_FILE)
        item->size = info.size;
}

static void put_path(sum_walk *w, sum_flow *flow, const char *path)
{
    mr_file_info info;
    if (!set_path(w, 0, path)) {
        w->no_memory = true;
        return;
    }
    if (strcmp(path, "-") != 0 &&
        sum_dir_look(flow->stats, path, true, &info) == 0 &&
        info.type == MR_TYPE_DIRECTORY) {
        enter(w, flow);
        return;
    }
    sum_item *item = make(w, SUM_FILE);
    if (!item)
        return;
    sum_walk_look(flow, item);
    sum_flow_put(flow, item);
}

static void leave(sum_walk *w)
{
    struct sum_walk_level *level = w->level;
    w->level = level->up;
    sum_dir_close(&level->dir);
    free(level);
}

bool sum_walk_more(sum_walk *w, sum_flow *flow)
{
    for (int i = 0; i < BATCH && !w->no_memory; i++) {
        struct sum_walk_level *level = w->level;
        if (!level && w->next == w->options->count)
            return false;
        if (!level)
            put_path(w, flow, w->options->paths[w->next++]);
        else if (level->next == level->dir.count)
            leave(w);
        else
            put_entry(w, flow, &level->dir.entry[level->next++]);
    }
    return !w->no_memory;
}
