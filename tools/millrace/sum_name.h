/* Names of files in lines: any byte but 0 and '/' may stand in one. */
#ifndef MILLRACE_SUM_NAME_H
#define MILLRACE_SUM_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* As coreutils write it into a list: would it need '\n', '\r', '\\' escaped? */
bool sum_name_is_odd(const char *name);

/* Writes the name, those three escaped, with a 0 at the end: 2 * strlen + 1
 * bytes at most. Where it ends. */
char *sum_name_escape(char *to, const char *name);

/* Back, in place; false: that is no escaped name. */
bool sum_name_unescape(char *name, size_t len);

/* For people: other control characters as "\033", too; cut off at the end of
 * the buffer. Returns `to`. */
const char *sum_name_show(char *to, size_t size, const char *name);

/* Is it UTF-8? */
bool sum_name_is_text(const char *name);

#endif
