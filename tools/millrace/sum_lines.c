/* See sum_lines.h. */
#include "sum_lines.h"

#include "sum_json.h"
#include "sum_name.h"

#include <stdlib.h>
#include <string.h>

void sum_lines_open(sum_lines *l, const sum_options *options, sum_out *out)
{
    *l = (sum_lines){.options = options, .out = out};
}

void sum_lines_close(sum_lines *l)
{
    free(l->text);
}

/* Where `more` bytes may be written, or NULL: no memory. */
static char *need(sum_lines *l, size_t more)
{
    if (l->len + more > l->room) {
        size_t wanted = (l->len + more) * 2;
        char *grown = realloc(l->text, wanted);
        if (!grown) {
            l->no_memory = true;
            return NULL;
        }
        l->text = grown;
        l->room = wanted;
    }
    return l->text + l->len;
}

void sum_lines_add(sum_lines *l, const char *text, size_t len)
{
    char *to = need(l, len);
    if (!to)
        return;
    memcpy(to, text, len);
    l->len += len;
}

static void add(sum_lines *l, const char *text)
{
    sum_lines_add(l, text, strlen(text));
}

void sum_lines_hex(sum_lines *l, const unsigned char *digest, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *to = need(l, 2 * size);
    if (!to)
        return;
    for (size_t i = 0; i < size; i++) {
        *to++ = digits[digest[i] >> 4];
        *to++ = digits[digest[i] & 15];
    }
    l->len += 2 * size;
}

static void add_name(sum_lines *l, const char *name, bool escaped)
{
    char *to = need(l, 2 * strlen(name) + 1);
    if (!to)
        return;
    if (escaped)
        l->len += (size_t)(sum_name_escape(to, name) - to);
    else
        add(l, name);
}

void sum_lines_end(sum_lines *l)
{
    if (!l->no_memory)
        sum_out_write(l->out, l->text, l->len);
    l->len = 0;
}

static void say(sum_lines *l, const sum_item *item, const char *what)
{
    char shown[512];
    sum_name_show(shown, sizeof shown, item->path);
    sum_out_say(l->out, "%s: %s", shown, what);
}

void sum_lines_count(sum_lines *l, const sum_item *item)
{
    l->totals.bytes += item->size;
    if (item->kind == SUM_FILE) {
        l->totals.files++;
        if (item->changed) {
            l->totals.changed++;
            say(l, item, "changed while it was read");
        }
    } else if (item->kind == SUM_SKIPPED) {
        l->totals.skipped++;
        say(l, item, "not a regular file, skipped");
    } else {
        l->totals.failed++;
        /* The system's words, as coreutils have them. */
        say(l, item, strerror(-item->error));
    }
}

void sum_lines_file(sum_lines *l, const sum_item *item)
{
    const sum_algorithm *a = item->algorithm;
    bool escaped = !l->options->zero && sum_name_is_odd(item->path);
    if (l->options->json) {
        sum_json_file(l, item, NULL);
        return;
    }
    if (item->kind != SUM_FILE)
        return;
    add(l, escaped ? "\\" : "");
    if (l->options->tag) {
        add(l, a->tag);
        add(l, " (");
        add_name(l, item->path, escaped);
        add(l, ") = ");
        sum_lines_hex(l, item->digest, a->size);
    } else {
        sum_lines_hex(l, item->digest, a->size);
        add(l, "  ");
        add_name(l, item->path, escaped);
    }
    sum_lines_add(l, l->options->zero ? "" : "\n", 1);
    sum_lines_end(l);
}

/* Only a newline would break the line here: coreutils escape no more. */
void sum_lines_result(sum_lines *l, const sum_item *item, const char *result)
{
    bool escaped = strchr(item->path, '\n') != NULL;
    if (l->options->json) {
        sum_json_file(l, item, result);
        return;
    }
    add(l, escaped ? "\\" : "");
    add_name(l, item->path, escaped);
    add(l, ": ");
    add(l, result);
    add(l, "\n");
    sum_lines_end(l);
}
