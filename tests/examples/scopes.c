/* Visit a small web, within scopes: tasks that end together, in time, and none
 * is left behind, whatever happens. */
#include "web.h"

#include <stdio.h>

/* A page that cannot be read is no failure of the whole. */
static int64_t visits(void *arg)
{
    struct page *page = arg;
    page->words = web_visit(page);
    return page->words == MR_ECANCELED ? MR_ECANCELED : 0;
}

/* Four at a time, and no longer than half a minute. What comes in is told as it
 * comes, and all have ended when the close returns. */
static int64_t visits_all(struct web *web)
{
    mr_task visit[WEB_MOST], *ended;
    mr_scope scope;
    size_t come = 0;
    mr_scope_open(&scope, mr_after(30 * MR_S));
    mr_scope_limit(&scope, 4);
    mr_scope_collect(&scope);
    for (size_t i = 0; i < web->n; i++)
        mr_scope_spawn(&scope, &visit[i], visits, &web->page[i]);
    while (mr_scope_next(&scope, &ended) == 0)
        printf("%zu of %zu: %s\n", ++come, web->n,
               web->page[ended - visit].path);
    return mr_scope_close(&scope);
}

/* All or nothing: the page that is gone fails, which cuts short the one that
 * never answers. The close tells the cause. */
static int64_t visits_strictly(unsigned port)
{
    struct page gone = {port, "/gone.txt", 0}, slow = {port, "/slow", 0};
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = mr_scope_go(&scope, web_visit, &slow, sizeof slow);
    if (rc == 0)
        rc = mr_scope_go(&scope, web_visit, &gone, sizeof gone);
    if (rc < 0)
        mr_scope_cancel(&scope);
    int64_t closed = mr_scope_close(&scope);
    return rc < 0 ? rc : closed;
}

/* The same visit, awaited by a scope with a deadline. */
static int64_t visits_in_time(unsigned port, int64_t deadline)
{
    struct page slow = {port, "/slow", 0};
    mr_scope scope;
    mr_scope_open(&scope, deadline);
    int64_t words = web_visit(&slow);
    int64_t rc = mr_scope_close(&scope);
    return rc < 0 ? rc : words;
}

static int64_t run(void *arg)
{
    struct web *web = arg;
    int64_t rc = web_index(web);
    if (rc >= 0)
        rc = visits_all(web);
    if (rc < 0)
        return rc;
    web_print(web);
    int64_t strictly = visits_strictly(web->port);
    int64_t in_time = visits_in_time(web->port, mr_after(50 * MR_MS));
    printf("all or nothing: %s; in 50 ms: %s\n", mr_strerror(strictly),
           mr_strerror(in_time));
    return strictly == MR_ENOENT && in_time == MR_ETIMEDOUT ? 0 : MR_EPROTO;
}

int main(void)
{
    return web_main(run);
}
