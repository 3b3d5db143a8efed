/* The same as JSON: one object, written as it becomes known.
 *
 *     {"millrace": VERSION, "files": [FILE, ...], "summary": {...}}
 *
 * A FILE has "path" (or "path_hex", its bytes, where they are no UTF-8) and
 *     digested   "algorithm", "digest", "size", and "changed": true
 *     failed     "error", the system's text, and "code", as "MR_ENOENT"
 *     skipped    "skipped": true
 *     --check    "result": "OK", "FAILED", "FAILED open or read", "expected"
 */
#ifndef MILLRACE_SUM_JSON_H
#define MILLRACE_SUM_JSON_H

#include "sum_lines.h"
#include "sum_stats.h"

void sum_json_begin(sum_lines *l);

/* `result`: of --check, or NULL. */
void sum_json_file(sum_lines *l, const sum_item *item, const char *result);

/* `rt`: whose counters --stats shows. */
void sum_json_end(sum_lines *l, const sum_stats *stats, mr_runtime *rt);

#endif
