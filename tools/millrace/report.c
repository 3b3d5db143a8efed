/* Building and rendering a report. */
#include "report.h"

#include "command.h"

#include <millrace.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 80
#define LABEL 18 /* column where values stand */
#define MEANS 4  /* column where meanings stand */

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "millrace: %s\n", mr_strerror(MR_ENOMEM));
        exit(EXIT_FAILED);
    }
    return p;
}

/* Takes `value`. */
static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, need(value)) != 0)
        need(NULL);
}

static json_t *format_text(const char *text, va_list args)
{
    return need(json_vsprintf(text, args));
}

void report_open(report *r)
{
    *r = (report){.all = need(json_object())};
    put(r->all, "millrace", json_string(mr_version()));
    put(r->all, "degraded", json_array());
    put(r->all, "failed", json_array());
    put(r->all, "sections", json_object());
    r->degraded = json_object_get(r->all, "degraded");
    r->failed = json_object_get(r->all, "failed");
    r->sections = json_object_get(r->all, "sections");
}

void report_close(report *r)
{
    json_decref(r->all);
}

void report_section(report *r, const char *key)
{
    put(r->sections, key, json_object());
    r->section = json_object_get(r->sections, key);
    r->section_key = key;
}

void report_item(report *r, const char *key, json_t *value, const char *text,
                 ...)
{
    put(r->section, key, json_object());
    r->item = json_object_get(r->section, key);
    r->item_key = key;
    va_list args;
    va_start(args, text);
    put(r->item, "value", value ? value : json_null());
    put(r->item, "text", format_text(text, args));
    put(r->item, "means", json_string(""));
    put(r->item, "degraded", json_false());
    va_end(args);
}

void report_means(report *r, const char *text, ...)
{
    const char *before = json_string_value(json_object_get(r->item, "means"));
    va_list args;
    va_start(args, text);
    json_t *more = format_text(text, args);
    va_end(args);
    put(r->item, "means",
        json_sprintf("%s%s%s", before, *before ? " " : "",
                     json_string_value(more)));
    json_decref(more);
}

static void name_item(report *r, json_t *list)
{
    json_t *name = json_sprintf("%s.%s", r->section_key, r->item_key);
    if (json_array_append_new(list, need(name)) != 0)
        need(NULL);
}

void report_degraded(report *r)
{
    put(r->item, "degraded", json_true());
    name_item(r, r->degraded);
}

void report_failed(report *r, const char *key, int64_t code)
{
    report_item(r, key, NULL, "not known");
    report_means(r, "Could not look: %s (%s).", mr_strerror(code),
                 mr_error_name(code));
    name_item(r, r->failed);
}

bool report_any_degraded(const report *r)
{
    return json_array_size(r->degraded) > 0;
}

bool report_any_failed(const report *r)
{
    return json_array_size(r->failed) > 0;
}

/* At blanks, so that no line is longer than WIDTH where a word is not. */
static void print_wrapped(const char *text, FILE *to)
{
    int column = 0;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (column > 0 && column + 1 + len > WIDTH) {
            fputc('\n', to);
            column = 0;
        }
        if (column == 0)
            column = fprintf(to, "%*s", MEANS, "");
        else
            column += fprintf(to, " ");
        column += fprintf(to, "%.*s", len, text);
        text += len + (text[len] == ' ');
    }
    if (column > 0)
        fputc('\n', to);
}

static const char *text_of(const json_t *item, const char *key)
{
    return json_string_value(json_object_get(item, key));
}

/* "barrier_busy_ns" is "barrier busy" for people: the value has its unit. */
static int print_label(const char *key, FILE *to)
{
    size_t len = strlen(key);
    if (len > 3 && strcmp(key + len - 3, "_ns") == 0)
        len -= 3;
    for (size_t i = 0; i < len; i++)
        fputc(key[i] == '_' ? ' ' : key[i], to);
    return (int)len;
}

static void print_item(const char *key, const json_t *item, FILE *to)
{
    bool degraded = json_is_true(json_object_get(item, "degraded"));
    int column = fprintf(to, "%c ", degraded ? '!' : ' ');
    column += print_label(key, to);
    fprintf(to, "%*s%s\n", column < LABEL ? LABEL - column : 1, "",
            text_of(item, "text"));
    print_wrapped(text_of(item, "means"), to);
}

static void print_list(const char *what, const json_t *list, FILE *to)
{
    size_t i;
    json_t *name;
    if (json_array_size(list) == 0)
        return;
    fprintf(to, "%s", what);
    json_array_foreach(list, i, name)
        fprintf(to, "%s %s", i ? "," : "", json_string_value(name));
    fprintf(to, ".\n");
}

bool report_print_text(const report *r, FILE *to)
{
    const char *title, *key;
    json_t *section, *item;
    json_object_foreach(r->sections, title, section)
    {
        fprintf(to, "%s\n", title);
        json_object_foreach(section, key, item) print_item(key, item, to);
        fputc('\n', to);
    }
    if (!report_any_degraded(r) && !report_any_failed(r))
        fprintf(to, "Nothing found that costs performance here.\n");
    print_list("Marked '!', costs performance here:", r->degraded, to);
    print_list("Could not be looked at:", r->failed, to);
    return !ferror(to);
}

bool report_print_json(const report *r, FILE *to)
{
    return json_dumpf(r->all, to, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) ==
               0 &&
           fputc('\n', to) != EOF;
}
