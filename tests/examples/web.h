/* A small web on loopback, and a visitor's work there: fetch the index, visit
 * the pages that it names, count their words, say which are the longest. The
 * programs callbacks.c, promises.c, await.c and scopes.c do this work, each in
 * its own manner; what is here is the same for all. */
#ifndef EXAMPLE_WEB_H
#define EXAMPLE_WEB_H

#include <millrace.h>

enum { WEB_MOST = 32 };

struct page {
    unsigned port; /* of the server */
    char path[16];
    int64_t words; /* or a negative code: why it could not be read */
};

struct web {
    unsigned port;
    size_t n;
    struct page page[WEB_MOST];
};

/* These two are what a task function is: they wait for a server as long as it
 * takes, in direct style, and know nothing of who calls them and how. */

/* Fetch the index of a struct web, and set its pages, with 0 words: how many
 * there are, or a negative code. */
int64_t web_index(void *web);

/* Fetch a struct page and count: its words, or a negative code, MR_ENOENT where
 * the server has no such page. The struct is not written to. */
int64_t web_visit(void *page);

/* One line: what the visitor has found. */
void web_print(const struct web *web);

/* Start a runtime and the server, call run(struct web *) in a task, end both,
 * and say what went wrong, if anything: the exit status of main. */
int web_main(mr_fn run);

#endif
