/* Visit a small web, by promises: each step gives a future, and what follows it
 * is said on the spot. Errors go down the chain until somebody catches them. */
#include "web.h"

static int64_t keeps(int64_t words, void *arg)
{
    struct page *page = arg;
    page->words = words;
    return 0;
}

/* A page that cannot be read is no failure of the whole. */
static int64_t misses(int64_t error, void *arg)
{
    struct page *page = arg;
    page->words = error;
    return 0;
}

/* The future of one page. Nothing is checked on the way: what has failed, and
 * be it for want of memory, is an error that comes out at the end. */
static mr_future *visits(struct page *page)
{
    mr_future *words = mr_async(web_visit, page, sizeof *page);
    mr_future *kept = mr_then(words, keeps, page, 0);
    return mr_catch(kept, misses, page, 0);
}

/* What follows may itself wait, here for all pages at once. */
static int64_t visits_all(int64_t n, void *arg)
{
    struct web *web = arg;
    mr_future *visit[WEB_MOST];
    for (int64_t i = 0; i < n; i++)
        visit[i] = visits(&web->page[i]);
    return mr_get(mr_all(visit, (size_t)n));
}

static int64_t prints(int64_t rc, void *arg)
{
    if (rc == 0)
        web_print(arg);
    return 0;
}

static int64_t run(void *arg)
{
    mr_future *chain = mr_async(web_index, arg, 0);
    chain = mr_then(chain, visits_all, arg, 0);
    chain = mr_finally(chain, prints, arg, 0);
    return mr_get(chain);
}

int main(void)
{
    return web_main(run);
}
