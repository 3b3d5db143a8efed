/* The responder on epoll and nothing else: a loop for each worker, each with
 * a listening socket of its own on the same port (SO_REUSEPORT), and a
 * connection stays with the loop that accepted it. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    size_t owed; /* bytes of answers that the socket had no room for */
    struct http_input *rest;
};

struct loop {
    int epoll, listener;
    struct http_input shared;
};

static void watch(struct loop *l, int op, int fd, uint32_t events, void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};
    if (epoll_ctl(l->epoll, op, fd, &event) != 0) {
        perror("epoll_ctl");
        exit(3);
    }
}

static void accept_all(struct loop *l)
{
    int fd;
    while ((fd = accept4(l->listener, NULL, NULL,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c) {
            close(fd);
            continue;
        }
        c->fd = fd;
        watch(l, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}

static void hang_up(struct connection *c)
{
    close(c->fd);
    free(c->rest);
    free(c);
}

/* 0, or -1 where the connection is gone. */
static int send_owed(struct loop *l, struct connection *c, int waited)
{
    size_t at = (HTTP_ANSWER - c->owed % HTTP_ANSWER) % HTTP_ANSWER;
    ssize_t n = send(c->fd, http_text + at, c->owed, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return -1;
    c->owed -= n > 0 ? (size_t)n : 0;
    int wait = c->owed > 0;
    if (wait != waited)
        watch(l, EPOLL_CTL_MOD, c->fd, wait ? EPOLLOUT : EPOLLIN, c);
    return 0;
}

static int answer(struct loop *l, struct connection *c)
{
    struct http_input *in = http_borrow(c->rest, &l->shared);
    size_t room;
    char *to = http_room(in, &room);
    ssize_t n = read(c->fd, to, room);
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? 0 : -1;
    in->to += (uint32_t)n;
    int answers = http_answers(in);
    if (answers < 0)
        return -1;
    c->rest = http_settle(c->rest, in);
    c->owed = (size_t)answers * HTTP_ANSWER;
    return answers > 0 ? send_owed(l, c, 0) : 0;
}

static void *run(void *arg)
{
    struct loop *l = arg;
    struct epoll_event events[256];
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(l, EPOLL_CTL_ADD, l->listener, EPOLLIN, NULL);
    for (;;) {
        int n = epoll_wait(l->epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c)
                accept_all(l);
            else if ((c->owed ? send_owed(l, c, 1) : answer(l, c)) < 0)
                hang_up(c);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct http_options options = http_open(argc, argv);
    struct loop *loops = calloc((size_t)options.workers, sizeof *loops);
    if (!loops)
        return 3;
    for (int i = 0; i < options.workers; i++)
        loops[i].listener = http_listen(&options.port, SOCK_NONBLOCK);
    http_ready(options.port);
    for (int i = 1; i < options.workers; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, &loops[i]) != 0)
            return 3;
    }
    run(&loops[0]);
}
