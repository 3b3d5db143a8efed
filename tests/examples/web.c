/* Pages are made of the word "mill"; "/slow" never answers. */
#include "web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 12, REQUEST = 256, TEXT = 16384 };

/* ---- The server --------------------------------------------------------- */

static int page_words(int i)
{
    return 100 + i * 7 % PAGES * 100;
}

static int64_t says(mr_handle peer, const char *status, const char *text)
{
    char head[64];
    snprintf(head, sizeof head, "HTTP/1.0 %s\r\n\r\n", status);
    mr_buffer part[] = {{head, strlen(head)},
                        {(void *)(uintptr_t)text, strlen(text)}};
    return mr_writev(peer, part, 2, NULL);
}

static int64_t answers(mr_handle peer, const char *path)
{
    char text[TEXT] = "", *end = text;
    int i = path[1] ? atoi(path + 1) : -1;
    if (strcmp(path, "/slow") == 0)
        return mr_read(peer, text, 1); /* until the visitor goes */
    if (strcmp(path, "/") == 0) {
        for (i = 0; i < PAGES; i++)
            end += sprintf(end, "/%d.txt\n", i);
        strcpy(end, "/gone.txt\n");
    } else if (strcmp(path, "/gone.txt") == 0 || i < 0 || i >= PAGES) {
        return says(peer, "404 Not Found", "");
    } else {
        for (int words = page_words(i); words > 0; words--)
            end = strcpy(end, "mill\n") + 5;
    }
    return says(peer, "200 OK", text);
}

/* One visitor, who may leave when it wants: that is no failure of ours. */
static int64_t serves(void *arg)
{
    mr_handle peer = *(mr_handle *)arg;
    char request[REQUEST], path[16];
    size_t size = 0;
    int64_t n = 1;
    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n") && n > 0 && size < REQUEST - 1) {
        n = mr_read(peer, request + size, REQUEST - 1 - size);
        size += n > 0 ? (size_t)n : 0;
        request[size] = '\0';
    }
    if (n > 0 && sscanf(request, "GET %15s", path) == 1)
        answers(peer, path);
    mr_close(peer);
    return 0;
}

/* Until the listener is closed. */
static int64_t server(void *arg)
{
    mr_handle listener = *(mr_handle *)arg, peer;
    mr_scope visitors;
    mr_scope_open(&visitors, MR_NEVER);
    while ((peer = mr_accept(listener)) >= 0)
        if (mr_scope_go(&visitors, serves, &peer, sizeof peer) < 0)
            mr_close(peer);
    mr_scope_cancel(&visitors);
    mr_scope_close(&visitors);
    return peer == MR_EBADF ? 0 : peer;
}

/* ---- The visitor -------------------------------------------------------- */

/* What the server says to "GET path", a string, to its end. */
static int64_t asks(unsigned port, const char *path, char *answer, size_t size)
{
    size_t done = 0;
    mr_handle stream = mr_tcp_connect("127.0.0.1", port);
    if (stream < 0)
        return stream;
    int n = snprintf(answer, size, "GET %s HTTP/1.0\r\n\r\n", path);
    int64_t rc = mr_write(stream, answer, (size_t)n);
    if (rc >= 0)
        rc = mr_read_all(stream, answer, size - 1, &done);
    mr_close(stream);
    answer[rc < 0 && rc != MR_EOF ? 0 : done] = '\0';
    return rc == MR_EOF ? 0 : rc > 0 ? MR_EFBIG : rc < 0 ? rc : MR_EPROTO;
}

/* The text of a page. */
static int64_t fetch(unsigned port, const char *path, char *text, size_t size)
{
    int status = 0;
    int64_t rc = asks(port, path, text, size);
    if (rc < 0)
        return rc;
    char *body = strstr(text, "\r\n\r\n");
    if (!body || sscanf(text, "HTTP/1.%*d %d", &status) != 1)
        return MR_EPROTO;
    memmove(text, body + 4, strlen(body + 4) + 1);
    return status == 200 ? 0 : status == 404 ? MR_ENOENT : MR_EPROTO;
}

int64_t web_index(void *arg)
{
    struct web *web = arg;
    char text[TEXT], *at = text;
    int64_t rc = fetch(web->port, "/", text, sizeof text);
    int length = 0;
    web->n = 0;
    while (rc == 0 && web->n < WEB_MOST) {
        struct page *page = &web->page[web->n];
        if (sscanf(at, "%15s%n", page->path, &length) != 1)
            break;
        at += length;
        page->port = web->port;
        page->words = 0;
        web->n++;
    }
    return rc < 0 ? rc : (int64_t)web->n;
}

int64_t web_visit(void *arg)
{
    const struct page *page = arg;
    char text[TEXT];
    int64_t words = 0;
    int64_t rc = fetch(page->port, page->path, text, sizeof text);
    for (const char *at = text; rc == 0 && *at; words++) {
        at += strcspn(at, " \n");
        at += strspn(at, " \n");
    }
    return rc < 0 ? rc : words;
}

static int more(const void *a, const void *b)
{
    const struct page *x = a, *y = b;
    return (x->words < y->words) - (x->words > y->words);
}

void web_print(const struct web *web)
{
    struct web w = *web;
    size_t read = w.n;
    int64_t sum = 0;
    qsort(w.page, w.n, sizeof w.page[0], more);
    while (read > 0 && w.page[read - 1].words < 0)
        read--;
    for (size_t i = 0; i < read; i++)
        sum += w.page[i].words;
    printf("%zu pages, %" PRId64 " words, most in", read, sum);
    for (size_t i = 0; i < read && i < 3; i++)
        printf(" %s", w.page[i].path);
    for (size_t i = read; i < w.n; i++)
        printf("; %s: %s", w.page[i].path, mr_strerror(w.page[i].words));
    printf("\n");
}

/* ---- The program -------------------------------------------------------- */

static int64_t root(void *arg)
{
    /* Static: what was begun as a future may outlive who has begun it. */
    static struct web web;
    mr_fn run = *(mr_fn *)arg;
    mr_address at;
    mr_task serving;
    mr_handle listener = mr_tcp_listen("127.0.0.1", 0, 0, 0);
    if (listener < 0)
        return listener;
    mr_local_address(listener, &at);
    web.port = mr_address_port(&at);
    mr_spawn(&serving, server, &listener);
    int64_t rc = run(&web);
    mr_close(listener);
    int64_t served = mr_await(&serving);
    return rc < 0 ? rc : served;
}

int web_main(mr_fn run)
{
    int64_t rc = mr_main(NULL, root, &run);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
