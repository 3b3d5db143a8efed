/* Visit a small web, by callbacks: whoever starts something says what is to be
 * called when it is done. What comes next stands in the next function, and what
 * was a local variable is a field of a struct that all of them share. */
#include "web.h"

#include <stdatomic.h>

/* One page, and what its callback has to know. */
struct visit {
    struct crawl *crawl;
    struct page *page;
};

struct crawl {
    struct web *web;
    struct visit visit[WEB_MOST];
    atomic_size_t left; /* visits, and one for who begins them */
    mr_promise *over;
};

/* Who completes a promise closes it: once the other end has its value, all this
 * may be gone. */
static void ends(struct crawl *crawl, int64_t rc)
{
    mr_promise *over = crawl->over;
    mr_promise_complete(over, rc);
    mr_promise_close(over);
}

static void counts_down(struct crawl *crawl)
{
    if (atomic_fetch_sub(&crawl->left, 1) == 1)
        ends(crawl, 0);
}

static void visited(int64_t words, void *arg)
{
    struct visit *visit = arg;
    visit->page->words = words;
    counts_down(visit->crawl);
}

static void indexed(int64_t n, void *arg)
{
    struct crawl *crawl = arg;
    if (n < 0) {
        ends(crawl, n);
        return;
    }
    atomic_store(&crawl->left, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++) {
        struct page *page = &crawl->web->page[i];
        crawl->visit[i] = (struct visit){crawl, page};
        mr_future *words = mr_async(web_visit, page, sizeof *page);
        int rc = mr_on(words, visited, &crawl->visit[i]);
        if (rc < 0) /* it will not be called: nobody else would count it */
            visited(rc, &crawl->visit[i]);
    }
    counts_down(crawl);
}

static int64_t run(void *arg)
{
    struct crawl crawl = {.web = arg};
    mr_future *over = mr_promise_open(&crawl.over);
    if (!crawl.over)
        return mr_get(over);
    int rc = mr_on(mr_async(web_index, arg, 0), indexed, &crawl);
    if (rc < 0)
        indexed(rc, &crawl);
    int64_t ended = mr_get(over); /* nothing else of this waits */
    if (ended == 0)
        web_print(arg);
    return ended;
}

int main(void)
{
    return web_main(run);
}
