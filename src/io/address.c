/* Addresses of millrace/net.h. */
#include "io/address.h"
#include <millrace/error.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 65536 };

/* ---- Made --------------------------------------------------------------- */

static void put(mr_address *out, const mri_address *a)
{
    memset(out, 0, sizeof *out);
    memcpy(out, a, sizeof *a);
}

static void set_ipv4(mr_address *out, struct in_addr ip, unsigned port)
{
    mri_address a = {.size = sizeof a.ipv4};
    a.ipv4.sin_family = AF_INET;
    a.ipv4.sin_port = htons((uint16_t)port);
    a.ipv4.sin_addr = ip;
    put(out, &a);
}

static void set_ipv6(mr_address *out, const struct in6_addr *ip, uint32_t scope,
                     unsigned port)
{
    mri_address a = {.size = sizeof a.ipv6};
    a.ipv6.sin6_family = AF_INET6;
    a.ipv6.sin6_port = htons((uint16_t)port);
    a.ipv6.sin6_addr = *ip;
    a.ipv6.sin6_scope_id = scope;
    put(out, &a);
}

void mri_address_out(mr_address *out, const mri_address *a)
{
    struct in_addr ip;
    const uint8_t *bytes = a->ipv6.sin6_addr.s6_addr;
    if (a->size < sizeof a->ipv6 || a->any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_V4MAPPED(&a->ipv6.sin6_addr)) {
        put(out, a);
        return;
    }
    memcpy(&ip, bytes + 12, sizeof ip);
    set_ipv4(out, ip, ntohs(a->ipv6.sin6_port));
}

void mri_address_every(mr_address *out, enum mr_family family, unsigned port)
{
    if (family == MR_IPV4)
        set_ipv4(out, (struct in_addr){INADDR_ANY}, port);
    else
        set_ipv6(out, &in6addr_any, 0, port);
}

/* Of an interface, by its name or its number. */
static int scope_of(const char *text, uint32_t *out)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *out = if_nametoindex(text);
    if (*out == 0 && end != text && *end == '\0' && number <= UINT32_MAX)
        *out = (uint32_t)number;
    return *out == 0 ? MR_ENODEV : 0;
}

static int parse_ipv6(mr_address *out, const char *text, unsigned port)
{
    struct in6_addr ip;
    char digits[INET6_ADDRSTRLEN];
    uint32_t scope = 0;
    const char *percent = strchr(text, '%');
    size_t n = percent ? (size_t)(percent - text) : strlen(text);
    if (n >= sizeof digits)
        return MR_EINVAL;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (inet_pton(AF_INET6, digits, &ip) != 1)
        return MR_EINVAL;
    int rc = percent ? scope_of(percent + 1, &scope) : 0;
    if (rc == 0)
        set_ipv6(out, &ip, scope, port);
    return rc;
}

int mr_address_ip(mr_address *out, const char *text, unsigned port)
{
    struct in_addr ip;
    if (!text || port >= PORTS)
        return MR_EINVAL;
    if (inet_pton(AF_INET, text, &ip) != 1)
        return parse_ipv6(out, text, port);
    set_ipv4(out, ip, port);
    return 0;
}

int mr_address_unix(mr_address *out, const char *path)
{
    const size_t before = offsetof(struct sockaddr_un, sun_path);
    mri_address a = {.size = 0};
    size_t n = path ? strlen(path) : 0;
    if (n == 0 || n >= sizeof a.unix_.sun_path)
        return n == 0 ? MR_EINVAL : MR_ENAMETOOLONG;
    a.unix_.sun_family = AF_UNIX;
    memcpy(a.unix_.sun_path, path, n);
    bool is_abstract = path[0] == '@';
    if (is_abstract)
        a.unix_.sun_path[0] = '\0';
    a.size = (socklen_t)(before + n + !is_abstract);
    put(out, &a);
    return 0;
}

/* ---- Read --------------------------------------------------------------- */

enum mr_family mr_address_family(const mr_address *address)
{
    const mri_address *a = mri_address_in(address);
    if (a->size < sizeof a->any.sa_family)
        return MR_NO_FAMILY;
    switch (a->any.sa_family) {
    case AF_INET:
        return MR_IPV4;
    case AF_INET6:
        return MR_IPV6;
    case AF_UNIX:
        return a->size > offsetof(struct sockaddr_un, sun_path) ? MR_UNIX
                                                                : MR_NO_FAMILY;
    default:
        return MR_NO_FAMILY;
    }
}

unsigned mr_address_port(const mr_address *address)
{
    const mri_address *a = mri_address_in(address);
    switch (mr_address_family(address)) {
    case MR_IPV4:
        return ntohs(a->ipv4.sin_port);
    case MR_IPV6:
        return ntohs(a->ipv6.sin6_port);
    default:
        return 0;
    }
}

/* A file's path has an end, unless there was no room for it; an abstract name
 * has zeros where it likes. */
static void unix_text(const mri_address *a, char *out)
{
    const size_t before = offsetof(struct sockaddr_un, sun_path);
    const char *path = a->unix_.sun_path;
    size_t n = a->size - before;
    if (path[0] != '\0')
        n = strnlen(path, n);
    for (size_t i = 0; i < n; i++)
        out[i] = path[i] == '\0' ? '@' : path[i];
    out[n] = '\0';
}

static void ipv6_text(const mri_address *a, unsigned port, char *out)
{
    char digits[INET6_ADDRSTRLEN], scope[16] = "";
    inet_ntop(AF_INET6, &a->ipv6.sin6_addr, digits, sizeof digits);
    if (a->ipv6.sin6_scope_id != 0)
        snprintf(scope, sizeof scope, "%%%u", a->ipv6.sin6_scope_id);
    snprintf(out, MR_ADDRESS_TEXT, "[%s%s]:%u", digits, scope, port);
}

static void ipv4_text(const mri_address *a, unsigned port, char *out)
{
    char digits[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &a->ipv4.sin_addr, digits, sizeof digits);
    snprintf(out, MR_ADDRESS_TEXT, "%s:%u", digits, port);
}

MRI_STATIC_ASSERT(sizeof(struct sockaddr_un) < MR_ADDRESS_TEXT,
                  "any address has room as a text");

int mr_address_text(const mr_address *address, char *out, size_t size)
{
    char text[MR_ADDRESS_TEXT] = "";
    const mri_address *a = mri_address_in(address);
    enum mr_family family = mr_address_family(address);
    if (family == MR_UNIX)
        unix_text(a, text);
    else if (family == MR_IPV6)
        ipv6_text(a, mr_address_port(address), text);
    else if (family == MR_IPV4)
        ipv4_text(a, mr_address_port(address), text);
    size_t n = strlen(text);
    if (n >= size)
        return MR_EOVERFLOW;
    memcpy(out, text, n + 1);
    return (int)n;
}
