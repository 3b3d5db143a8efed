/* See sum_check.h. Its words are those of coreutils. */
#include "sum_check.h"

#include "sum_name.h"
#include "sum_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

void sum_check_open(sum_check *c, const sum_options *options, sum_lines *lines)
{
    *c = (sum_check){.options = options, .lines = lines};
}

static void close_file(sum_list *list)
{
    if (list->file && list->file != stdin)
        fclose(list->file);
    list->file = NULL;
}

void sum_check_close(sum_check *c)
{
    if (c->list) {
        close_file(c->list);
        free(c->list);
    }
    free(c->line);
}

static const char *show(char *to, size_t size, const char *path)
{
    return strcmp(path, "-") == 0 ? "'standard input'"
                                  : sum_name_show(to, size, path);
}

static void say(sum_check *c, const char *path, const char *what)
{
    char shown[512];
    sum_out_say(c->lines->out, "%s: %s", show(shown, sizeof shown, path), what);
}

/* ---- Producing ------------------------------------------------------------
 */

/* What is not a file goes the way of those that stood before it. NULL: no
 * memory. */
static sum_item *note(sum_check *c, enum sum_kind kind)
{
    sum_item *item = sum_item_new(kind, c->options->paths[c->next - 1]);
    if (item)
        item->list = c->list;
    return item;
}

static bool open_list(sum_check *c, const char *path)
{
    sum_list *list = calloc(1, sizeof *list);
    if (!list)
        return false;
    list->reversed = -1;
    list->standard_input = strcmp(path, "-") == 0;
    list->file = list->standard_input ? stdin : fopen(path, "re");
    c->list = list;
    return true;
}

static bool put_unread(sum_check *c, sum_flow *flow, int error)
{
    sum_item *item = note(c, SUM_UNREAD);
    free(c->list);
    c->list = NULL;
    if (!item)
        return false;
    item->list = NULL;
    item->error = error;
    sum_flow_put(flow, item);
    return true;
}

static bool end_list(sum_check *c, sum_flow *flow)
{
    sum_item *end = note(c, SUM_LIST_END);
    if (!end)
        return false;
    c->list->broken = ferror(c->list->file);
    close_file(c->list);
    c->list = NULL;
    sum_flow_put(flow, end);
    return true;
}

static bool put_misformatted(sum_check *c, sum_flow *flow)
{
    c->list->misformatted++;
    if (!c->options->warn)
        return true;
    sum_item *item = note(c, SUM_MISFORMATTED);
    if (!item)
        return false;
    item->size = (int64_t)c->list->line;
    sum_flow_put(flow, item);
    return true;
}

/* Comments and empty lines are none. False: no memory. */
static bool put_line(sum_check *c, sum_flow *flow, size_t len)
{
    sum_list *list = c->list;
    sum_listed listed = {.name = NULL};
    char *line = c->line;
    if (line[0] == '#')
        return true;
    len -= line[len - 1] == '\n';
    len -= len > 0 && line[len - 1] == '\r';
    line[len] = '\0';
    if (len == 0)
        return true;
    if (!sum_list_parse(&listed, list, line, len, c->options->algorithm,
                        c->options->algorithm_given) ||
        (list->standard_input && strcmp(listed.name, "-") == 0))
        return put_misformatted(c, flow);
    sum_item *item = sum_item_new(SUM_FILE, listed.name);
    if (!item)
        return false;
    list->well_formed++;
    item->algorithm = listed.algorithm;
    item->list = list;
    memcpy(item->expected, listed.expected, sizeof item->expected);
    sum_walk_look(flow, item);
    sum_flow_put(flow, item);
    return true;
}

static bool produce(sum_check *c, sum_flow *flow)
{
    if (!c->list) {
        if (!open_list(c, c->options->paths[c->next++]))
            return false;
        return c->list->file ? true : put_unread(c, flow, -errno);
    }
    ssize_t len = getline(&c->line, &c->room, c->list->file);
    if (len <= 0)
        return end_list(c, flow);
    c->list->line++;
    return put_line(c, flow, (size_t)len);
}

bool sum_check_more(sum_check *c, sum_flow *flow)
{
    for (int i = 0; i < BATCH && !c->no_memory; i++) {
        if (!c->list && c->next == c->options->count)
            return false;
        c->no_memory = !produce(c, flow);
    }
    return !c->no_memory;
}

/* ---- Finishing ------------------------------------------------------------
 */

static void warn(sum_check *c, uint64_t count, const char *one,
                 const char *many)
{
    if (count == 0 || c->options->status)
        return;
    sum_out_say(c->lines->out, "WARNING: %" PRIu64 " %s", count,
                count == 1 ? one : many);
}

static void finish_list(sum_check *c, const sum_list *list, const char *path)
{
    bool none_verified = c->options->ignore_missing && list->matched == 0;
    c->lines->totals.misformatted += (int64_t)list->misformatted;
    if (list->broken) {
        say(c, path, "read error");
        c->failed = true;
        return;
    }
    if (list->well_formed == 0) {
        say(c, path, "no properly formatted checksum lines found");
        c->failed = true;
        return;
    }
    warn(c, list->misformatted, "line is improperly formatted",
         "lines are improperly formatted");
    warn(c, list->unreadable, "listed file could not be read",
         "listed files could not be read");
    warn(c, list->mismatched, "computed checksum did NOT match",
         "computed checksums did NOT match");
    if (none_verified && !c->options->status)
        say(c, path, "no file was verified");
    if (none_verified || list->unreadable > 0 || list->mismatched > 0 ||
        (c->options->strict && list->misformatted > 0))
        c->failed = true;
}

static void finish_misformatted(sum_check *c, const sum_item *item)
{
    char shown[512];
    sum_out_say(c->lines->out,
                "%s: %" PRId64 ": improperly formatted %s checksum line",
                show(shown, sizeof shown, item->path), item->size,
                c->options->algorithm->tag);
}

static void finish_file(sum_check *c, const sum_item *item)
{
    sum_list *list = item->list;
    const sum_options *o = c->options;
    const char *result = "OK";
    if (item->kind == SUM_FAILED && item->error == MR_ENOENT &&
        o->ignore_missing)
        return;
    sum_lines_count(c->lines, item);
    if (item->kind != SUM_FILE) {
        result = "FAILED open or read";
        list->unreadable++;
    } else if (memcmp(item->digest, item->expected, item->algorithm->size)) {
        result = "FAILED";
        list->mismatched++;
        c->lines->totals.mismatched++;
    } else {
        list->matched++;
        if (o->quiet)
            return;
    }
    if (!o->status)
        sum_lines_result(c->lines, item, result);
}

void sum_check_finish(sum_check *c, const sum_item *item)
{
    switch (item->kind) {
    case SUM_LIST_END:
        finish_list(c, item->list, item->path);
        free(item->list);
        break;
    case SUM_MISFORMATTED:
        finish_misformatted(c, item);
        break;
    case SUM_UNREAD:
        say(c, item->path, strerror(-item->error));
        c->failed = true;
        break;
    default:
        finish_file(c, item);
    }
}

bool sum_check_is_well(const sum_check *c)
{
    return !c->failed && !c->no_memory;
}
