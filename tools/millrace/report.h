/* What a subcommand found, in one model with two renderings: text for people,
 * JSON for programs. Both show the same items in the same order.
 *
 * JSON: {"millrace": VERSION, "degraded": ["SECTION.KEY", ...], "failed":
 * ["SECTION.KEY", ...], "sections": {SECTION: {KEY: {"value": ..., "text":
 * "...", "means": "...", "degraded": BOOL}}}}. `value` is null where the
 * system does not tell.
 *
 * Must not know: what any item is about.
 */
#ifndef MILLRACE_REPORT_H
#define MILLRACE_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct report {
    json_t *all, *degraded, *failed, *sections; /* all owns the others */
    json_t *section, *item;                     /* where is being written */
    const char *section_key, *item_key;
} report;

/* Running out of memory in here ends the process with EXIT_FAILED. */
void report_open(report *r);
void report_close(report *r);

/* What follows belongs to this section. */
void report_section(report *r, const char *key);

/* A new item. Takes `value`; NULL: not known. The rest is its text. */
void report_item(report *r, const char *key, json_t *value, const char *text,
                 ...) __attribute__((format(printf, 4, 5)));

/* What the last item means for performance; may be called again to add a
 * sentence. */
void report_means(report *r, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

/* The last item costs performance here. */
void report_degraded(report *r);

/* A new item that could not be looked at: an error code of the library. */
void report_failed(report *r, const char *key, int64_t code);

bool report_any_degraded(const report *r);
bool report_any_failed(const report *r);

/* False: could not write (the stream's error is set as well). */
bool report_print_text(const report *r, FILE *to);
bool report_print_json(const report *r, FILE *to);

#endif
