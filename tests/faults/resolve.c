/* Names where every system call and every allocation fails once: it is told to
 * who called, nobody waits for ever, nothing stays open. And their order, which
 * is no matter of the public face. */
#include <millrace.h>

#include "faults.h"
#include "io/address.h"
#include "io/resolve.h"
#include "lives.h"
#include "os/sys.h"
#include "resolver.h"
#include "sched/runtime.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

#include <errno.h>

/* ---- The order ---------------------------------------------------------- */

static int64_t takes_turns(void *arg)
{
    static const char *const said[] = {"2001:db8::1", "2001:db8::2",
                                       "2001:db8::3", "192.0.2.1",
                                       "192.0.2.2",   "2001:db8::4",
                                       "192.0.2.3",   NULL},
                             *const order[] = {"[2001:db8::1]:9", "192.0.2.1:9",
                                               "[2001:db8::2]:9", "192.0.2.2:9",
                                               "[2001:db8::3]:9", "192.0.2.3:9",
                                               "[2001:db8::4]:9"},
                             *const one[] = {"192.0.2.1", "192.0.2.2",
                                             "192.0.2.3", NULL};
    mr_address a[8];
    char text[MR_ADDRESS_TEXT];
    (void)arg;
    for (size_t most = 1; most <= 8; most++) {
        resolver_says(said);
        int n =
            mri_resolve_in_turns(mri_strand_self(), "several.test", 9, a, most);
        EXPECT_EQ(n, most < 7 ? most : 7);
        for (int i = 0; i < n; i++) {
            EXPECT(mr_address_text(&a[i], text, sizeof text) > 0);
            EXPECT_STR(text, order[i]);
        }
        resolver_says(one);
        n = mri_resolve_in_turns(mri_strand_self(), "several.test", 9, a, most);
        EXPECT_EQ(n, most < 3 ? most : 3);
        for (int i = 0; i < n; i++) {
            EXPECT(mr_address_text(&a[i], text, sizeof text) > 0);
            EXPECT(text[8] == '1' + i);
        }
    }
    return 0;
}

TEST(faults_resolve, to_connect_to_families_take_turns)
{
    EXPECT_EQ(run_with(2, takes_turns, NULL), 0);
}

/* ---- The scenario ------------------------------------------------------- */

static int64_t looks_up(void)
{
    mr_address a;
    char host[64];
    int rc = mr_resolve("n1.test", "80", 0, &a, 1);
    if (rc > 0)
        rc = mr_address_ip(&a, "127.0.0.1", 80);
    if (rc == 0)
        rc = mr_resolve_address(&a, host, sizeof host, NULL, 0);
    return rc;
}

/* A backlog of 1 is two peers: from now on who connects is on his way. */
static int64_t fills(const mr_address *at, mr_handle *peer)
{
    *peer = mr_connect(at);
    mr_handle second = *peer < 0 ? *peer : mr_connect(at);
    return second < 0 ? second : mr_close(second);
}

/* The first does not answer, the second is refused, the third listens. Where
 * that is what fails, the first would be waited for, for minutes. */
static int64_t dials_by_name(unsigned port)
{
    static const char *const said[] = {"127.0.0.1", "255.255.255.255",
                                       "127.0.0.2", NULL};
    mr_scope scope;
    resolver_says(said);
    mr_scope_open(&scope, mr_after(5 * MR_S));
    mr_handle stream = mr_tcp_connect("several.test", port);
    int64_t end = mr_scope_close(&scope);
    EXPECT(end == 0 || (end == MR_ETIMEDOUT && stream == MR_ECANCELED));
    if (stream >= 0)
        EXPECT_EQ(mr_close(stream), 0);
    return stream;
}

static int64_t dials_at(mr_handle full)
{
    mr_address at;
    mr_handle peer = -1;
    int64_t rc = mr_local_address(full, &at);
    if (rc == 0)
        rc = fills(&at, &peer);
    if (rc >= 0)
        rc = dials_by_name(mr_address_port(&at));
    if (peer >= 0)
        EXPECT_EQ(mr_close(peer), 0);
    return rc;
}

static int64_t dials(void)
{
    mr_address at;
    mr_handle other = -1, full = mr_tcp_listen("127.0.0.1", 0, 1, 0);
    if (full < 0)
        return full;
    int64_t rc = mr_local_address(full, &at);
    if (rc == 0)
        rc = other = mr_tcp_listen("127.0.0.2", mr_address_port(&at), 0, 0);
    if (other >= 0) {
        rc = dials_at(full);
        EXPECT_EQ(mr_close(other), 0);
    }
    EXPECT_EQ(mr_close(full), 0);
    return rc;
}

/* The first thing that went wrong. */
static int64_t root(void *arg)
{
    (void)arg;
    int64_t first = looks_up(), second = dials();
    return first < 0 ? first : second < 0 ? second : 0;
}

/* ---- Each fails once ---------------------------------------------------- */

static int64_t looks_up_once(void *arg)
{
    mr_address a;
    (void)arg;
    return mr_resolve("n1.test", "80", 0, &a, 1);
}

/* libuv opens some descriptors for good. */
static void warm_up(void)
{
    EXPECT_EQ(run_with(1, looks_up_once, NULL), 1);
}

/* A runtime's life with the nth call refused; true: it was reached. */
static bool live(const char *call, int nth, int error, int64_t *rc)
{
    const struct refusal r = {call, nth, error, false, is_never_refused};
    warm_up();
    int before = open_descriptors();
    bool hit = refuse(&r, root, rc);
    EXPECT_EQ(open_descriptors(), before);
    return hit;
}

TEST(faults_resolve, each_system_call_fails_once)
{
    fail_each(live, NULL, EIO, slow_scale(200), 200);
}

TEST(faults_resolve, each_allocation_fails_once)
{
    fail_each(live, "allocate", ENOMEM, 100, 200);
}

TEST(faults_resolve, what_the_resolver_is_refused_is_told)
{
    static const char *const calls[] = {"uv_getaddrinfo", "uv_getnameinfo",
                                        "uv_loop_init", "pthread_create"};
    int64_t rc;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        EXPECT(live(calls[i], 1, ENOMEM, &rc));
        EXPECT_EQ(rc, MR_ENOMEM);
    }
}
