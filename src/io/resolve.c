/* Names into addresses and back, by the system's resolver.
 *
 * getaddrinfo blocks, and nothing ends it: libuv calls it on its pool, for the
 * loop thread, and whoever asks parks. He may have to go on before: what libuv
 * works with is therefore not in his frame.
 *
 *   question   who asks: what, and where the answer goes. In his frame, there
 *              until mri_loop_do_cut returns.
 *   request    what libuv works with: from when it begins until its callback.
 *              It has copies of what was asked.
 *
 *   begin   the request is made; request <-> question
 *   cut     request -> nobody; the question is answered, MR_ECANCELED. What has
 *           not begun on the pool libuv takes back, what has goes on alone
 *   called  the answer goes to the question, if there still is one; the request
 *           is freed
 *
 * All three are called on the loop thread, and nobody else touches a request:
 * so there is always one who frees it, its callback, which libuv calls once
 * for each that began, whether it was cancelled or not; and it writes to no
 * frame that is gone, since the cut comes before the answer that lets go of it.
 * A loop that closes waits for all requests (loop.c).
 */
#include "io/resolve.h"

#include "io/address.h"
#include "io/attempt.h"
#include "io/call_name.h"
#include "io/loop.h"

#include <netdb.h>
#include <string.h>

typedef struct question question;

typedef struct request {
    union {
        uv_req_t any;
        uv_getaddrinfo_t name;
        uv_getnameinfo_t address;
    } uv;
    mr_runtime *runtime;
    mri_loop *loop;
    question *from; /* NULL: it has gone on */
} request;

struct question {
    mri_loop_op op;
    request *request; /* the loop thread's */
    int (*begin)(mri_loop *loop, request *r, const question *q);
    union {
        struct {
            const char *name, *service; /* service NULL: the port counts */
            unsigned port, flags;
            bool in_turns;
            mr_address *out;
            size_t most;
        } name;
        struct {
            const mri_address *address;
            char *host, *service; /* NULL: is not asked for */
            size_t host_size, service_size;
        } address;
    };
};

/* ---- On the loop thread ------------------------------------------------- */

static void run(mri_loop *loop, mri_loop_op *op)
{
    question *q = mri_container_of(op, question, op);
    mr_runtime *rt = loop->runtime;
    request *r = mri_runtime_allocate(rt, sizeof *r, _Alignof(request));
    if (!r) {
        mri_loop_done(loop, op, MR_ENOMEM);
        return;
    }
    r->runtime = rt;
    r->loop = loop;
    r->from = q;
    q->request = r;
    int rc = q->begin(loop, r, q);
    if (rc == 0)
        return;
    mri_runtime_release(rt, r, sizeof *r);
    mri_loop_done(loop, op, rc);
}

static void cut(mri_loop *loop, mri_loop_op *op)
{
    question *q = mri_container_of(op, question, op);
    q->request->from = NULL;
    /* Refused where it has begun. */
    (void)uv_cancel(&q->request->uv.any);
    mri_loop_done(loop, op, MR_ECANCELED);
}

/* Last in a callback. */
static void end(request *r, int64_t result)
{
    mri_loop *loop = r->loop;
    question *q = r->from;
    mri_runtime_release(r->runtime, r, sizeof *r);
    if (q)
        mri_loop_done(loop, &q->op, result);
}

/* ---- Names into addresses ----------------------------------------------- */

static void put_address(const question *q, size_t i, const struct addrinfo *a)
{
    mri_address in = {.size = a->ai_addrlen};
    memcpy(&in.any, a->ai_addr, a->ai_addrlen);
    if (!q->name.service) {
        in_port_t port = htons((uint16_t)q->name.port);
        if (a->ai_family == AF_INET)
            in.ipv4.sin_port = port;
        else
            in.ipv6.sin6_port = port;
    }
    mri_address_out(&q->name.out[i], &in);
}

/* From `a` on, the first that is of the family, or is not. */
static const struct addrinfo *find(const struct addrinfo *a, int family,
                                   bool is)
{
    while (a && (a->ai_family == family) != is)
        a = a->ai_next;
    return a;
}

static int put_in_turns(const question *q, const struct addrinfo *list)
{
    int family = list->ai_family;
    const struct addrinfo *next[] = {list, find(list, family, false)};
    size_t n = 0;
    for (int turn = 0; n < q->name.most && (next[0] || next[1]); turn = !turn) {
        if (!next[turn])
            continue;
        put_address(q, n++, next[turn]);
        next[turn] = find(next[turn]->ai_next, family, turn == 0);
    }
    return (int)n;
}

static int put_all(const question *q, const struct addrinfo *list)
{
    size_t n = 0;
    for (; list && n < q->name.most; list = list->ai_next)
        put_address(q, n++, list);
    return (int)n;
}

static void on_addresses(uv_getaddrinfo_t *uv, int status,
                         struct addrinfo *list)
{
    request *r = mri_container_of(uv, request, uv.name);
    const question *q = r->from;
    if (q && status == 0)
        status = q->name.in_turns ? put_in_turns(q, list) : put_all(q, list);
    uv_freeaddrinfo(list);
    end(r, status);
}

static int family_of(unsigned flags)
{
    return flags & MR_ONLY_IPV4   ? AF_INET
           : flags & MR_ONLY_IPV6 ? AF_INET6
                                  : AF_UNSPEC;
}

static int begin_name(mri_loop *loop, request *r, const question *q)
{
    /* With a type, or each address would come three times. */
    struct addrinfo hints = {
        .ai_family = family_of(q->name.flags),
        .ai_socktype = q->name.flags & MR_FOR_UDP ? SOCK_DGRAM : SOCK_STREAM};
    return mri_call_getaddrinfo(&loop->uv, &r->uv.name, on_addresses,
                                q->name.name, q->name.service, &hints);
}

/* What is no port is a service, whose name the system knows. */
static int read_service(const char *service, unsigned *port)
{
    unsigned long number = 0;
    size_t digits = service ? strspn(service, "0123456789") : 0;
    *port = 0;
    if (!service || service[digits] != '\0')
        return service != NULL;
    for (size_t i = 0; i < digits && number <= UINT16_MAX; i++)
        number = number * 10 + (unsigned long)(service[i] - '0');
    if (digits == 0 || number > UINT16_MAX)
        return MR_EINVAL;
    *port = (unsigned)number;
    return 0;
}

/* libuv makes a name into ASCII (IDNA) in 256 bytes, and before 1.48 what has
 * no room there is cut off, so that another name would be looked up
 * (CVE-2024-24806). By RFC 3492 a label that is not in ASCII already is five
 * longer, and each character that is not comes to ten digits at most: 32 bits,
 * of which a digit takes a factor of ten or more. (Other dots than '.' are such
 * characters, and become one byte: that is five less at least, for the label
 * which they begin.) */
static int check_name(const char *name)
{
    size_t bytes = 0;
    bool is_ascii = true; /* the label so far */
    if (*name == '\0')
        return MR_EAI_NONAME;
    for (; *name != '\0' && bytes < 256; name++) {
        unsigned char c = (unsigned char)*name;
        if (c >= 0xc0) { /* the first byte of a character */
            bytes += is_ascii ? 15 : 10;
            is_ascii = false;
        } else if (c < 0x80) {
            bytes++;
            is_ascii = is_ascii || c == '.';
        }
    }
    return bytes < 256 ? 0 : MR_ENAMETOOLONG;
}

/* An address as a text needs no resolver: 1; 0: it is none, or not for this. */
static int is_address(const question *q)
{
    mr_address at;
    int only = family_of(q->name.flags);
    int rc = mr_address_ip(&at, q->name.name, q->name.port);
    if (rc == MR_EINVAL || q->name.service)
        return 0;
    if (rc < 0)
        return rc;
    if (only != AF_UNSPEC && only != mri_address_in(&at)->any.sa_family)
        return 0;
    q->name.out[0] = at;
    return 1;
}

static int look_up(mri_strand *s, question *q)
{
    int rc = is_address(q);
    if (rc == 0)
        rc = check_name(q->name.name);
    if (rc != 0)
        return rc;
    q->op.run = run;
    q->begin = begin_name;
    return (int)mri_loop_do_cut(s, &q->op, cut, "mr_resolve");
}

int mri_resolve_in_turns(mri_strand *s, const char *name, unsigned port,
                         mr_address *out, size_t most)
{
    question q = {.name = {.name = name,
                           .port = port,
                           .in_turns = true,
                           .out = out,
                           .most = most}};
    return look_up(s, &q);
}

int mr_resolve(const char *name, const char *service, unsigned flags,
               mr_address *out, size_t most)
{
    const unsigned only = MR_ONLY_IPV4 | MR_ONLY_IPV6;
    mri_strand *s;
    unsigned port;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = mri_cancelable_pass(s);
    if (rc < 0)
        return rc;
    if (!name || most == 0 || flags & ~(only | MR_FOR_UDP) ||
        (flags & only) == only)
        return MR_EINVAL;
    rc = read_service(service, &port);
    if (rc < 0)
        return rc;
    question q = {.name = {.name = name,
                           .service = rc > 0 ? service : NULL,
                           .port = port,
                           .flags = flags,
                           .out = out,
                           .most = most}};
    return look_up(s, &q);
}

/* ---- Addresses into names ----------------------------------------------- */

static bool has_room(const char *out, size_t size, const char *text)
{
    return !out || strlen(text) < size;
}

static void put_text(char *out, const char *text)
{
    if (out)
        memcpy(out, text, strlen(text) + 1);
}

static int put_names(const question *q, const char *host, const char *service)
{
    if (!has_room(q->address.host, q->address.host_size, host) ||
        !has_room(q->address.service, q->address.service_size, service))
        return MR_EAI_OVERFLOW;
    put_text(q->address.host, host);
    put_text(q->address.service, service);
    return 0;
}

static void on_names(uv_getnameinfo_t *uv, int status, const char *host,
                     const char *service)
{
    request *r = mri_container_of(uv, request, uv.address);
    if (r->from && status == 0)
        status = put_names(r->from, host, service);
    end(r, status);
}

/* What is not asked for is not looked for. */
static int begin_address(mri_loop *loop, request *r, const question *q)
{
    int flags = (q->address.host ? NI_NAMEREQD : NI_NUMERICHOST) |
                (q->address.service ? 0 : NI_NUMERICSERV);
    return mri_call_getnameinfo(&loop->uv, &r->uv.address, on_names,
                                &q->address.address->any, flags);
}

int mr_resolve_address(const mr_address *address, char *host, size_t host_size,
                       char *service, size_t service_size)
{
    mri_strand *s;
    question q = {.op = {.run = run},
                  .begin = begin_address,
                  .address = {.address = mri_address_in(address),
                              .host = host,
                              .service = service,
                              .host_size = host_size,
                              .service_size = service_size}};
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = mri_cancelable_pass(s);
    if (rc < 0)
        return rc;
    enum mr_family family = mr_address_family(address);
    if ((family != MR_IPV4 && family != MR_IPV6) || (!host && !service))
        return MR_EINVAL;
    return (int)mri_loop_do_cut(s, &q.op, cut, "mr_resolve_address");
}
