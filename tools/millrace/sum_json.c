/* See sum_json.h. */
#include "sum_json.h"

#include "sum_name.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void add(sum_lines *l, const char *text)
{
    sum_lines_add(l, text, strlen(text));
}

/* Takes `value`; NULL: no memory. */
static void put(sum_lines *l, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) < 0)
        l->no_memory = true;
}

static json_t *hex(const unsigned char *bytes, size_t size)
{
    char *text = malloc(2 * size + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
    json_t *value = json_stringn(text, 2 * size);
    free(text);
    return value;
}

/* Takes `object`. */
static void dump(sum_lines *l, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(6)) : NULL;
    if (text)
        add(l, text);
    else
        l->no_memory = true;
    free(text);
    json_decref(object);
}

void sum_json_begin(sum_lines *l)
{
    add(l, "{\"millrace\": \"");
    add(l, mr_version());
    add(l, "\", \"files\": [");
    sum_lines_end(l);
}

static void put_path(sum_lines *l, json_t *file, const char *path)
{
    if (sum_name_is_text(path))
        put(l, file, "path", json_string(path));
    else
        put(l, file, "path_hex",
            hex((const unsigned char *)path, strlen(path)));
}

static void put_outcome(sum_lines *l, json_t *file, const sum_item *item)
{
    switch (item->kind) {
    case SUM_FILE:
        put(l, file, "algorithm", json_string(item->algorithm->name));
        put(l, file, "digest", hex(item->digest, item->algorithm->size));
        put(l, file, "size", json_integer(item->size));
        if (item->changed)
            put(l, file, "changed", json_true());
        break;
    case SUM_SKIPPED:
        put(l, file, "skipped", json_true());
        break;
    default:
        put(l, file, "error", json_string(strerror(-item->error)));
        put(l, file, "code", json_string(mr_error_name(item->error)));
    }
}

void sum_json_file(sum_lines *l, const sum_item *item, const char *result)
{
    json_t *file = json_object();
    if (!file) {
        l->no_memory = true;
        return;
    }
    put_path(l, file, item->path);
    put_outcome(l, file, item);
    if (result) {
        put(l, file, "result", json_string(result));
        put(l, file, "expected", hex(item->expected, item->algorithm->size));
    }
    add(l, l->separate ? ",\n" : "\n");
    l->separate = true;
    dump(l, file);
    sum_lines_end(l);
}

void sum_json_end(sum_lines *l, const sum_stats *stats, mr_runtime *rt)
{
    const sum_totals *t = &l->totals;
    double seconds = (double)stats->took * 1e-9;
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "files",
        (json_int_t)t->files, "bytes", (json_int_t)t->bytes, "failed",
        (json_int_t)t->failed, "skipped", (json_int_t)t->skipped, "changed",
        (json_int_t)t->changed, "directories", (json_int_t)t->directories,
        "links_not_followed", (json_int_t)t->links, "seconds", seconds);
    if (all && l->options->check) {
        put(l, all, "mismatched", json_integer(t->mismatched));
        put(l, all, "misformatted", json_integer(t->misformatted));
    }
    if (all && l->options->stats) {
        put(l, all, "files_per_s", json_real((double)t->files / seconds));
        put(l, all, "bytes_per_s", json_real((double)t->bytes / seconds));
        put(l, all, "parked_s", json_real(sum_stats_parked(stats)));
        put(l, all, "workers", sum_stats_json(stats, rt));
    }
    add(l, "\n],\n\"summary\": ");
    dump(l, all);
    add(l, "}\n");
    sum_lines_end(l);
}
