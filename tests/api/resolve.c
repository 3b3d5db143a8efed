/* Names of millrace/net.h. */
#define _GNU_SOURCE
#include <millrace.h>

#include "resolver.h"
#include "slow.h"
#include "streams.h"
#include "test.h"

#include <netdb.h>

static void is_text(const mr_address *a, const char *expected)
{
    char text[MR_ADDRESS_TEXT];
    EXPECT(mr_address_text(a, text, sizeof text) >= 0);
    EXPECT_STR(text, expected);
}

static bool is_unknown(int64_t rc)
{
    return rc == MR_EAI_NONAME || rc == MR_EAI_NODATA ||
           rc == MR_EAI_ADDRFAMILY || rc == MR_EAI_AGAIN;
}

/* ---- Names into addresses ----------------------------------------------- */

static int64_t addresses_are_told(void *arg)
{
    mr_address a[2];
    (void)arg;
    EXPECT_EQ(mr_resolve("127.0.0.1", "80", 0, a, 2), 1);
    is_text(a, "127.0.0.1:80");
    EXPECT_EQ(mr_resolve("127.0.0.1", NULL, MR_ONLY_IPV4, a, 1), 1);
    is_text(a, "127.0.0.1:0");
    EXPECT_EQ(mr_resolve("2001:db8::1", "65535", MR_FOR_UDP, a, 1), 1);
    is_text(a, "[2001:db8::1]:65535");
    EXPECT_EQ(mr_resolve("fe80::1%nosuch", "1", 0, a, 1), MR_ENODEV);
    EXPECT_EQ(resolver_asked(), 0);
    EXPECT(is_unknown(mr_resolve("127.0.0.1", "80", MR_ONLY_IPV6, a, 1)));
    return resolver_asked();
}

TEST(resolve, an_address_is_told_without_the_resolver)
{
    resolver_reset();
    EXPECT_EQ(run_with(2, addresses_are_told, NULL), 1);
}

static int64_t localhost_is_here(void *arg)
{
    mr_address a[8];
    (void)arg;
    EXPECT_EQ(mr_resolve("localhost", "80", MR_ONLY_IPV4, a, 1), 1);
    is_text(a, "127.0.0.1:80");
    int n = mr_resolve("localhost", "81", 0, a, 8);
    EXPECT(n >= 1);
    for (int i = 0; i < n; i++)
        is_text(&a[i], mr_address_family(&a[i]) == MR_IPV4 ? "127.0.0.1:81"
                                                           : "[::1]:81");
    n = mr_resolve("localhost", NULL, MR_ONLY_IPV6, a, 8);
    if (n > 0)
        is_text(a, "[::1]:0");
    else
        EXPECT(is_unknown(n));
    return 0;
}

TEST(resolve, localhost_is_here)
{
    EXPECT_EQ(run_with(2, localhost_is_here, NULL), 0);
}

static int64_t order_is_kept(void *arg)
{
    static const char *const said[] = {"2001:db8::1", "192.0.2.1",
                                       "2001:db8::2", "192.0.2.2", NULL};
    mr_address a[5];
    (void)arg;
    memset(a, 0xee, sizeof a);
    resolver_says(said);
    EXPECT_EQ(mr_resolve("several.test", "7", 0, a, 5), 4);
    is_text(&a[0], "[2001:db8::1]:7");
    is_text(&a[1], "192.0.2.1:7");
    is_text(&a[2], "[2001:db8::2]:7");
    is_text(&a[3], "192.0.2.2:7");
    memset(a, 0xee, sizeof a);
    EXPECT_EQ(mr_resolve("several.test", "8", 0, a, 2), 2);
    is_text(&a[1], "192.0.2.1:8");
    for (size_t i = 0; i < sizeof *a; i++)
        EXPECT_EQ(((unsigned char *)&a[2])[i], 0xee);
    return 0;
}

TEST(resolve, the_order_is_the_resolvers_and_no_more_come_than_fit)
{
    EXPECT_EQ(run_with(2, order_is_kept, NULL), 0);
}

static int64_t nobody_is_told(void *arg)
{
    mr_address a;
    char name[512];
    (void)arg;
    EXPECT(is_unknown(mr_resolve("nobody.invalid", "80", 0, &a, 1)));
    EXPECT_EQ(mr_resolve("hangs.test", "80", 0, &a, 1), MR_EAI_AGAIN);
    int asked = resolver_asked();
    EXPECT_EQ(mr_resolve("", "80", 0, &a, 1), MR_EAI_NONAME);
    EXPECT_EQ(mr_resolve(NULL, "80", 0, &a, 1), MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "65536", 0, &a, 1), MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "99999999999999999999", 0, &a, 1),
              MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "", 0, &a, 1), MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "80", 0, &a, 0), MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "80", 8, &a, 1), MR_EINVAL);
    EXPECT_EQ(mr_resolve("localhost", "80", 3, &a, 1), MR_EINVAL);
    EXPECT_EQ(mr_resolve("\xff", "80", 0, &a, 1), MR_EINVAL);
    memset(name, 'a', sizeof name);
    name[256] = '\0';
    EXPECT_EQ(mr_resolve(name, "80", 0, &a, 1), MR_ENAMETOOLONG);
    for (int i = 0; i < 26; i++)
        memcpy(name + 2 * i, "\xc3\xbc", 3);
    EXPECT_EQ(mr_resolve(name, "80", 0, &a, 1), MR_ENAMETOOLONG);
    for (int i = 0; i < 17; i++)
        memcpy(name + 3 * i, "\xc3\xbc.", 4);
    EXPECT_EQ(mr_resolve(name, "80", 0, &a, 1), MR_ENAMETOOLONG);
    return resolver_asked() - asked;
}

TEST(resolve, what_is_no_name_is_refused)
{
    EXPECT_EQ(run_with(2, nobody_is_told, NULL), 0);
    mr_address a;
    EXPECT_EQ(mr_resolve("localhost", "80", 0, &a, 1), MR_EPERM);
    EXPECT_EQ(mr_tcp_connect("localhost", 80), MR_EPERM);
}

static int64_t others_letters_are_known(void *arg)
{
    mr_address a;
    (void)arg;
    EXPECT_EQ(mr_resolve("\xc3\xbc.test", "80", 0, &a, 1), 1);
    is_text(&a, "192.0.2.255:80");
    return 0;
}

TEST(resolve, a_name_beyond_ascii_is_asked_for_as_idna_says)
{
    EXPECT_EQ(run_with(2, others_letters_are_known, NULL), 0);
}

static int64_t services_are_known(void *arg)
{
    mr_address a;
    (void)arg;
    EXPECT_EQ(mr_resolve("127.0.0.1", "http", 0, &a, 1), 1);
    is_text(&a, "127.0.0.1:80");
    EXPECT_EQ(
        mr_resolve("localhost", "domain", MR_FOR_UDP | MR_ONLY_IPV4, &a, 1), 1);
    is_text(&a, "127.0.0.1:53");
    EXPECT_EQ(mr_resolve("localhost", "no such service", 0, &a, 1),
              MR_EAI_SERVICE);
    return 0;
}

TEST(resolve, services_have_names)
{
    if (!getservbyname("http", "tcp") || !getservbyname("domain", "udp"))
        SKIP("no list of services here");
    EXPECT_EQ(run_with(2, services_are_known, NULL), 0);
}

/* ---- Addresses into names ----------------------------------------------- */

/* As the system says. */
static int64_t loopback_has_a_name(void *arg)
{
    mr_address at;
    char host[1025] = "", service[32] = "", expected[1025];
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    (void)arg;
    if (getnameinfo((struct sockaddr *)&in, sizeof in, expected,
                    sizeof expected, NULL, 0, NI_NAMEREQD) != 0)
        return 1;
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 49151), 0);
    EXPECT_EQ(
        mr_resolve_address(&at, host, sizeof host, service, sizeof service), 0);
    EXPECT_STR(host, expected);
    EXPECT_STR(service, "49151");
    size_t n = strlen(host);
    strcpy(host, "as before");
    strcpy(service, "too");
    EXPECT_EQ(mr_resolve_address(&at, host, n, service, 32), MR_EAI_OVERFLOW);
    EXPECT_EQ(mr_resolve_address(&at, host, 1025, service, 5), MR_EAI_OVERFLOW);
    EXPECT_STR(host, "as before");
    EXPECT_STR(service, "too");
    EXPECT_EQ(mr_resolve_address(&at, host, n + 1, service, 6), 0);
    EXPECT_STR(host, expected);
    EXPECT_EQ(mr_resolve_address(&at, host, n + 1, NULL, 0), 0);
    EXPECT_EQ(mr_resolve_address(&at, NULL, 0, service, 6), 0);
    EXPECT_STR(service, "49151");
    return 0;
}

TEST(resolve, an_address_has_a_name)
{
    int64_t rc = run_with(2, loopback_has_a_name, NULL);
    if (rc == 1)
        SKIP("loopback has no name here");
    EXPECT_EQ(rc, 0);
}

static int64_t have_no_name(void *arg)
{
    mr_address at;
    char host[64];
    (void)arg;
    EXPECT_EQ(mr_address_ip(&at, "192.0.2.1", 1), 0);
    EXPECT(is_unknown(mr_resolve_address(&at, host, 64, NULL, 0)));
    EXPECT_EQ(mr_resolve_address(&at, NULL, 0, NULL, 0), MR_EINVAL);
    EXPECT_EQ(mr_address_unix(&at, "/tmp/x"), 0);
    EXPECT_EQ(mr_resolve_address(&at, host, 64, NULL, 0), MR_EINVAL);
    memset(&at, 0, sizeof at);
    EXPECT_EQ(mr_resolve_address(&at, host, 64, NULL, 0), MR_EINVAL);
    return 0;
}

TEST(resolve, what_has_no_name_is_told)
{
    EXPECT_EQ(run_with(2, have_no_name, NULL), 0);
    mr_address at;
    char host[64];
    EXPECT_EQ(mr_address_ip(&at, "127.0.0.1", 1), 0);
    EXPECT_EQ(mr_resolve_address(&at, host, 64, NULL, 0), MR_EPERM);
}

/* ---- Many --------------------------------------------------------------- */

enum { MANY = 64, ROUNDS = 50 };

static int64_t asks_often(void *arg)
{
    int i = *(int *)arg;
    char name[16], port[8], text[32];
    mr_address a;
    snprintf(name, sizeof name, "n%d.test", i);
    for (int round = 0; round < slow_scale(ROUNDS); round++) {
        snprintf(port, sizeof port, "%d", round);
        snprintf(text, sizeof text, "192.0.2.%d:%d", i, round);
        EXPECT_EQ(mr_resolve(name, port, 0, &a, 1), 1);
        is_text(&a, text);
    }
    return 0;
}

static int64_t many_ask(void *arg)
{
    mr_task task[MANY];
    int number[MANY];
    (void)arg;
    for (int i = 0; i < MANY; i++) {
        number[i] = i;
        mr_spawn(&task[i], asks_often, &number[i]);
    }
    for (int i = 0; i < MANY; i++)
        EXPECT_EQ(mr_await(&task[i]), 0);
    return 0;
}

TEST(resolve, each_of_many_gets_its_own_answer)
{
    EXPECT_EQ(run_with(1, many_ask, NULL), 0);
    EXPECT_EQ(run_with(4, many_ask, NULL), 0);
}
