/* Visit a small web, in direct style: what waits is called like anything else,
 * and what shall go on at the same time is spawned and awaited. */
#include "web.h"

static int64_t run(void *arg)
{
    struct web *web = arg;
    mr_task visit[WEB_MOST];
    int64_t n = web_index(web);
    for (int64_t i = 0; i < n; i++)
        mr_spawn(&visit[i], web_visit, &web->page[i]);
    for (int64_t i = 0; i < n; i++)
        web->page[i].words = mr_await(&visit[i]);
    if (n >= 0)
        web_print(web);
    return n < 0 ? n : 0;
}

int main(void)
{
    return web_main(run);
}
