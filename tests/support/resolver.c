/* See resolver.h. */
#define _GNU_SOURCE
#include "resolver.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* libuv is to see it. */
#define SEEN __attribute__((visibility("default")))

enum { MOST = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked, hanging;
static bool held;
static const char *said[MOST + 1];

typedef int name_fn(const char *, const char *, const struct addrinfo *,
                    struct addrinfo **);
typedef int address_fn(const struct sockaddr *, socklen_t, char *, socklen_t,
                       char *, socklen_t, int);

void resolver_says(const char *const *addresses)
{
    int i = 0;
    pthread_mutex_lock(&lock);
    for (; i < MOST && addresses[i]; i++)
        said[i] = addresses[i];
    said[i] = NULL;
    pthread_mutex_unlock(&lock);
}

static void set_held(bool to)
{
    pthread_mutex_lock(&lock);
    held = to;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void resolver_hold(void)
{
    set_held(true);
}

void resolver_let_go(void)
{
    set_held(false);
}

static int read_count(const int *count)
{
    pthread_mutex_lock(&lock);
    int n = *count;
    pthread_mutex_unlock(&lock);
    return n;
}

int resolver_hanging(void)
{
    return read_count(&hanging);
}

int resolver_asked(void)
{
    return read_count(&asked);
}

void resolver_reset(void)
{
    pthread_mutex_lock(&lock);
    asked = 0;
    said[0] = NULL;
    pthread_mutex_unlock(&lock);
}

static void ask(bool may_hang)
{
    pthread_mutex_lock(&lock);
    asked++;
    hanging += may_hang;
    while (may_hang && held)
        pthread_cond_wait(&changed, &lock);
    hanging -= may_hang;
    pthread_mutex_unlock(&lock);
}

static name_fn *system_names(void)
{
    name_fn *fn;
    *(void **)&fn = dlsym(RTLD_NEXT, "getaddrinfo");
    return fn;
}

static int one(const char *address, const char *service,
               const struct addrinfo *hints, struct addrinfo **out)
{
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return system_names()(address, service, &numeric, out);
}

/* Each node is freed by itself, so they may be one list. */
static int several(const char *service, const struct addrinfo *hints,
                   struct addrinfo **out)
{
    struct addrinfo **end = out;
    int rc = EAI_NONAME;
    *out = NULL;
    for (int i = 0; said[i]; i++) {
        rc = one(said[i], service, hints, end);
        if (rc != 0)
            break;
        end = &(*end)->ai_next;
    }
    if (rc != 0 && *out)
        freeaddrinfo(*out);
    return rc;
}

SEEN int getaddrinfo(const char *name, const char *service,
                     const struct addrinfo *hints, struct addrinfo **out)
{
    int n;
    char address[32], end;
    bool hangs = name && strcmp(name, "hangs.test") == 0;
    ask(hangs);
    if (hangs)
        return EAI_AGAIN;
    if (name && sscanf(name, "n%d.tes%c", &n, &end) == 2) {
        snprintf(address, sizeof address, "192.0.2.%d", n);
        return one(address, service, hints, out);
    }
    if (name && strcmp(name, "xn--tda.test") == 0)
        return one("192.0.2.255", service, hints, out);
    return name && strcmp(name, "several.test") == 0
               ? several(service, hints, out)
               : system_names()(name, service, hints, out);
}

SEEN int getnameinfo(const struct sockaddr *address, socklen_t size, char *host,
                     socklen_t host_size, char *service, socklen_t service_size,
                     int flags)
{
    address_fn *fn;
    *(void **)&fn = dlsym(RTLD_NEXT, "getnameinfo");
    ask(true);
    return fn(address, size, host, host_size, service, service_size, flags);
}
