/* `millrace doctor` here, and where the kernel grants less. */
#define _GNU_SOURCE
#include "child.h"
#include "command.h"
#include "filter.h"
#include "quota_groups.h"
#include "test.h"

#include <errno.h>
#include <jansson.h>
#include <millrace.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct command_result result;

/* The report, to be released. */
static json_t *run_json(int (*prepare)(void *), void *arg)
{
    static const char *const args[] = {"doctor", "--json", NULL};
    json_error_t error;
    command_run(&result, args, prepare, arg, NULL);
    EXPECT_STR(result.err, "");
    json_t *all = json_loads(result.out, JSON_REJECT_DUPLICATES, &error);
    EXPECT_MSG(all, "line %d: %s in: %s", error.line, error.text, result.out);
    return all;
}

static json_t *item(const json_t *all, const char *section, const char *key)
{
    json_t *sections = json_object_get(all, "sections");
    json_t *found = json_object_get(json_object_get(sections, section), key);
    EXPECT_MSG(found, "no %s.%s", section, key);
    return found;
}

static const json_t *value(const json_t *all, const char *section,
                           const char *key)
{
    return json_object_get(item(all, section, key), "value");
}

static bool lists(const json_t *all, const char *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(all, list), i,
                       entry) if (strcmp(json_string_value(entry), name) ==
                                  0) return true;
    return false;
}

static bool degraded(const json_t *all, const char *section, const char *key)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", section, key);
    bool marked =
        json_is_true(json_object_get(item(all, section, key), "degraded"));
    EXPECT_EQ(marked, lists(all, "degraded", name));
    return marked;
}

/* Item by item: nothing is left out and everything has its texts. */
static const char *const items[][2] = {
    {"cpus", "online"},       {"cpus", "mask"},
    {"cpus", "quota"},        {"cpus", "usable"},
    {"topology", "cores"},    {"topology", "l2"},
    {"topology", "l3"},       {"topology", "packages"},
    {"topology", "nodes"},    {"sync", "membarrier"},
    {"sync", "fence_ns"},     {"sync", "futex_ns"},
    {"memory", "page"},       {"memory", "guards"},
    {"memory", "mappings"},   {"memory", "overcommit"},
    {"fiber", "kind"},        {"fiber", "switch_ns"},
    {"versions", "millrace"}, {"versions", "libuv"},
    {"versions", "jemalloc"}, {"versions", "libc"},
    {"versions", "kernel"},
};

enum { ITEMS = sizeof items / sizeof *items };

TEST(tools_doctor, json_has_every_item_with_its_texts)
{
    json_t *all = run_json(NULL, NULL);
    EXPECT_EQ(result.status, 0);
    for (size_t i = 0; i < ITEMS; i++) {
        json_t *found = item(all, items[i][0], items[i][1]);
        EXPECT(json_is_string(json_object_get(found, "text")));
        EXPECT(json_is_string(json_object_get(found, "means")));
        EXPECT(json_is_boolean(json_object_get(found, "degraded")));
        EXPECT(json_object_get(found, "value"));
    }
    EXPECT_EQ(json_array_size(json_object_get(all, "failed")), 0);
    json_decref(all);
}

TEST(tools_doctor, values_agree_with_the_system)
{
    struct utsname name;
    json_t *all = run_json(NULL, NULL);
    EXPECT_EQ(uname(&name), 0);
    EXPECT_EQ(json_integer_value(value(all, "cpus", "usable")),
              mr_usable_cpus());
    EXPECT_EQ(json_integer_value(value(all, "memory", "page")),
              sysconf(_SC_PAGESIZE));
    EXPECT_STR(json_string_value(value(all, "versions", "kernel")),
               name.release);
    EXPECT_STR(json_string_value(value(all, "versions", "millrace")),
               mr_version());
    EXPECT_STR(json_string_value(json_object_get(all, "millrace")),
               mr_version());
    EXPECT(json_number_value(value(all, "fiber", "switch_ns")) > 0);
    EXPECT(json_number_value(value(all, "sync", "futex_ns")) > 0);
    EXPECT(json_number_value(value(all, "sync", "fence_ns")) > 0);
    json_decref(all);
}

TEST(tools_doctor, text_shows_every_section_and_fits_eighty_columns)
{
    static const char *const args[] = {"doctor", NULL};
    command_run(&result, args, NULL, NULL, NULL);
    EXPECT_EQ(result.status, 0);
    EXPECT_STR(result.err, "");
    for (size_t i = 0; i < ITEMS; i++) {
        char title[64];
        snprintf(title, sizeof title, "%s\n", items[i][0]);
        const char *at = strstr(result.out, title);
        EXPECT_MSG(at && (at == result.out || at[-1] == '\n'), "no %s", title);
    }
    for (char *line = strtok(result.out, "\n"); line; line = strtok(NULL, "\n"))
        EXPECT_MSG(strlen(line) <= 80 || !strchr(line + 20, ' '),
                   "too long: %s", line);
}

static int one_cpu(void *arg)
{
    cpu_set_t mask, one;
    (void)arg;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        return 0;
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0 && cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &mask))
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

TEST(tools_doctor, affinity_to_one_cpu_is_one_worker)
{
    json_t *all = run_json(one_cpu, NULL);
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(json_integer_value(value(all, "cpus", "mask")), 1);
    EXPECT_EQ(json_integer_value(value(all, "cpus", "usable")), 1);
    json_decref(all);
}

static int enter(void *groups)
{
    return quota_groups_enter(groups);
}

/* Half a CPU on the parent of our group: below any mask. */
TEST(tools_doctor, quota_of_a_parent_is_marked_with_its_place)
{
    static quota_groups groups;
    static struct command_result under_quota;
    static const char *const args[] = {"doctor", "--json", NULL};
    const char *reason = quota_groups_open(&groups);
    if (reason)
        SKIP(reason);
    bool set = quota_groups_set(&groups, 50000, -1);
    command_run(&under_quota, args, enter, &groups, NULL);
    bool removed = quota_groups_close(&groups);
    EXPECT(set && removed);
    EXPECT_EQ(under_quota.status, 0);
    json_t *all = json_loads(under_quota.out, 0, NULL);
    EXPECT(degraded(all, "cpus", "quota"));
    EXPECT(json_number_value(value(all, "cpus", "quota")) <= 0.5);
    EXPECT_EQ(json_integer_value(value(all, "cpus", "usable")), 1);
    if (json_number_value(value(all, "cpus", "quota")) == 0.5)
        EXPECT_STR(json_string_value(value(all, "cpus", "quota_at")),
                   groups.outer);
    const char *means =
        json_string_value(json_object_get(item(all, "cpus", "quota"), "means"));
    EXPECT(strstr(means, "the kernel will throttle"));
    json_decref(all);
}

/* Kernels and sandboxes that grant less. */
struct denial {
    int call, advice, error; /* of filter_deny */
};

static int deny(void *arg)
{
    const struct denial *d = arg;
    return filter_deny(d->call, d->advice, d->error);
}

static enum child_end try_to_deny(void *arg)
{
    (void)arg;
    return filter_deny(SYS_membarrier, -1, EPERM) ? CHILD_OK : CHILD_SKIP;
}

static bool deny_possible(void)
{
    return child_run(try_to_deny, NULL) == CHILD_OK;
}

static json_t *run_denied(struct denial denial)
{
    return run_json(deny, &denial);
}

TEST(tools_doctor, denied_membarrier_is_marked_with_its_reason)
{
    if (!deny_possible())
        SKIP("no seccomp filters here");
    json_t *all = run_denied((struct denial){SYS_membarrier, -1, EPERM});
    EXPECT_EQ(result.status, 0);
    EXPECT(degraded(all, "sync", "membarrier"));
    EXPECT(json_is_false(value(all, "sync", "membarrier")));
    const char *means = json_string_value(
        json_object_get(item(all, "sync", "membarrier"), "means"));
    EXPECT(strstr(means, "operation not permitted"));
    EXPECT(strstr(means, "each await pays a fence"));
    json_decref(all);
}

#define MADV_GUARD_INSTALL_NUMBER 102

TEST(tools_doctor, kernel_without_light_guards_is_marked)
{
    if (!deny_possible())
        SKIP("no seccomp filters here");
    json_t *all = run_denied(
        (struct denial){SYS_madvise, MADV_GUARD_INSTALL_NUMBER, EINVAL});
    EXPECT_EQ(result.status, 0);
    EXPECT(degraded(all, "memory", "guards"));
    EXPECT_STR(json_string_value(value(all, "memory", "guards")), "mprotect");
    json_decref(all);
}

/* ENOSYS, for any other error makes the C library fail on its own account
 * (pthread_getattr_np, which sanitizers call). */
TEST(tools_doctor, what_cannot_be_looked_at_is_status_3)
{
    if (!deny_possible())
        SKIP("no seccomp filters here");
    json_t *all =
        run_denied((struct denial){SYS_sched_getaffinity, -1, ENOSYS});
    EXPECT_EQ(result.status, 3);
    EXPECT(lists(all, "failed", "cpus.usable"));
    EXPECT(json_is_null(value(all, "cpus", "usable")));
    EXPECT(value(all, "fiber", "kind"));
    json_decref(all);
}

static int run_strict(struct denial *denial)
{
    static const char *const args[] = {"doctor", "--strict", NULL};
    command_run(&result, args, denial ? deny : NULL, denial, NULL);
    return result.status;
}

TEST(tools_doctor, strict_is_status_1_where_something_is_degraded)
{
    json_t *all = run_json(NULL, NULL);
    bool here = json_array_size(json_object_get(all, "degraded")) > 0;
    json_decref(all);
    EXPECT_EQ(run_strict(NULL), here ? 1 : 0);
    EXPECT(here == !strstr(result.out, "Nothing found that costs"));
    if (!deny_possible())
        SKIP("no seccomp filters here");
    struct denial denial = {SYS_membarrier, -1, ENOSYS};
    EXPECT_EQ(run_strict(&denial), 1);
    EXPECT(strstr(result.out, "\n! membarrier "));
    EXPECT(strstr(result.out, "costs performance here:"));
    EXPECT(strstr(result.out, "sync.membarrier"));
}
