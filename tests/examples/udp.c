/* Datagrams: a server that sends back what it gets, and a client that asks
 * again when nothing has come, as datagrams may be lost. */
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 100 /* ms */, TRIES = 300 };

/* Until its scope is cut short. The first question is dropped, for we want to
 * see it asked again, and so is one that is longer than any of ours. */
static int64_t serves(void *arg)
{
    mr_handle socket = *(mr_handle *)arg;
    mr_address from;
    char question[16];
    int64_t n = 0;
    for (int i = 0; n >= 0; i++) {
        n = mr_udp_receive(socket, question, sizeof question, &from);
        if (i > 0 && n >= 0 && n <= (int64_t)sizeof question)
            n = mr_udp_send(socket, question, (size_t)n, &from);
    }
    return n == MR_ECANCELED ? 0 : n;
}

/* One try: the answer's length, or MR_ETIMEDOUT. */
static int64_t tries(mr_handle socket, char *answer, size_t size)
{
    mr_scope scope;
    mr_scope_open(&scope, mr_after(PATIENCE * MR_MS));
    int64_t n = mr_udp_send(socket, "still there?", 12, NULL);
    if (n >= 0)
        n = mr_udp_receive(socket, answer, size, NULL);
    int64_t rc = mr_scope_close(&scope);
    return n < 0 && rc < 0 ? rc : n;
}

static int64_t asks(const mr_address *server, int *asked)
{
    char answer[16];
    int64_t n = MR_ETIMEDOUT;
    mr_handle socket = mr_udp_connect(server);
    if (socket < 0)
        return socket;
    for (*asked = 0; n == MR_ETIMEDOUT && *asked < TRIES; ++*asked)
        n = tries(socket, answer, sizeof answer);
    mr_close(socket);
    if (n < 0)
        return n;
    return n == 12 && memcmp(answer, "still there?", 12) == 0 ? 0 : MR_EPROTO;
}

static int64_t root(void *arg)
{
    mr_address at;
    mr_scope server;
    int asked = 0;
    (void)arg;
    int64_t rc = mr_address_ip(&at, "127.0.0.1", 0);
    mr_handle socket = rc < 0 ? rc : mr_udp_bind(&at, 0);
    if (socket < 0)
        return socket;
    mr_local_address(socket, &at);
    mr_scope_open(&server, MR_NEVER);
    rc = mr_scope_go(&server, serves, &socket, sizeof socket);
    if (rc == 0)
        rc = asks(&at, &asked);
    mr_scope_cancel(&server);
    mr_scope_close(&server);
    mr_close(socket);
    return rc < 0 ? rc : asked;
}

int main(void)
{
    int64_t asked = mr_main(NULL, root, NULL);
    if (asked < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(asked), mr_strerror(asked));
        return EXIT_FAILURE;
    }
    printf("asked %s, answered\n", asked > 1 ? "again" : "once");
    return asked > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
