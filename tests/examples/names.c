/* Names: several are looked up at once, and an address is asked for its name. A
 * machine may have no names at all: what it says then is told. */
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>

struct question {
    const char *name, *service;
    unsigned flags;
};

static int64_t looks_up(void *arg)
{
    const struct question *q = arg;
    mr_address address[4];
    char text[MR_ADDRESS_TEXT];
    int n = mr_resolve(q->name, q->service, q->flags, address, 4);
    if (n < 0) {
        fprintf(stderr, "%s: %s\n", q->name, mr_strerror(n));
        return n;
    }
    for (int i = 0; i < n; i++) {
        mr_address_text(&address[i], text, sizeof text);
        fprintf(stderr, "%s: %s\n", q->name, text);
    }
    return mr_address_port(&address[0]);
}

static int64_t looks_back(void)
{
    mr_address at;
    char host[1025], service[32];
    int rc = mr_address_ip(&at, "127.0.0.1", 80);
    if (rc == 0)
        rc =
            mr_resolve_address(&at, host, sizeof host, service, sizeof service);
    if (rc == 0)
        fprintf(stderr, "127.0.0.1:80 is %s, %s\n", host, service);
    else
        fprintf(stderr, "127.0.0.1: %s\n", mr_strerror(rc));
    return rc == MR_EAI_NONAME || rc == MR_EAI_AGAIN ? 0 : rc;
}

static int64_t root(void *arg)
{
    static struct question question[] = {
        {"127.0.0.1", "80", 0},
        {"::1", "53", MR_FOR_UDP | MR_ONLY_IPV6},
        {"localhost", "8080", MR_ONLY_IPV4},
    };
    enum { N = sizeof question / sizeof *question };
    mr_task task[N];
    int64_t port[N];
    (void)arg;
    for (int i = 0; i < N; i++)
        mr_spawn(&task[i], looks_up, &question[i]);
    for (int i = 0; i < N; i++)
        port[i] = mr_await(&task[i]);
    int64_t rc = looks_back();
    if (rc < 0)
        return rc;
    /* Addresses as texts need nobody who knows them. */
    if (port[0] != 80 || port[1] != 53)
        return MR_EPROTO;
    return port[2] == 8080 || port[2] < 0 ? 0 : MR_EPROTO;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("looked up\n");
    return EXIT_SUCCESS;
}
