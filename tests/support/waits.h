/* Whether tasks wait already, as mr_dump tells it: for tests of what then
 * happens. For tasks. */
#ifndef TESTS_SUPPORT_WAITS_H
#define TESTS_SUPPORT_WAITS_H

#include <millrace.h>

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many tasks of the runtime wait for what mr_dump calls so. */
static inline int count_waiting(const char *what)
{
    char *text = NULL, say[64];
    size_t size;
    int n = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out != NULL);
    EXPECT_EQ(mr_dump(mr_self(), out), 0);
    fclose(out);
    snprintf(say, sizeof say, " waits for %s ", what);
    for (const char *at = text; (at = strstr(at, say)) != NULL; at++)
        n++;
    free(text);
    return n;
}

/* Until so many do. */
static inline void come_to_wait(int n, const char *what)
{
    while (count_waiting(what) < n)
        mr_sleep(MR_MS);
}

/* What mr_dump calls waits for descriptors, signals and processes included. */
#define TO_READ "a descriptor to read from"
#define TO_WRITE "a descriptor to write to"

/* Cut fn(arg) short as soon as it waits for that, and nobody else does. */
static inline void cut_when_it_waits(mr_fn fn, void *arg, const char *what)
{
    mr_scope scope;
    mr_task task;
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_spawn(&scope, &task, fn, arg);
    come_to_wait(1, what);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
}

#endif
