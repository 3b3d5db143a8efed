/* Quotas found in fake roots: whose directory, how much, how many CPUs. */
#include "os/cgroup.h"
#include "os/cpus.h"
#include "roots/groups.h"
#include "test.h"

#include <millrace/error.h>

/* 16 CPUs in the mask, so that every quota below is the tighter one. */
static const uint64_t sixteen = 0xffff;

static void expect_quota(const fake_root *root, int64_t ppm, int version,
                         const char *path, int usable)
{
    mri_cpus cpus;
    mri_cpus_source source = {root->dir, &sixteen, 1};
    EXPECT_EQ(mri_cpus_open(&cpus, &source), 0);
    EXPECT_EQ(cpus.quota_ppm, ppm);
    EXPECT_EQ(cpus.cgroup_version, version);
    if (path)
        EXPECT_STR(cpus.quota_path, path);
    else
        EXPECT(!cpus.quota_path);
    EXPECT_EQ(cpus.usable, usable);
    EXPECT_EQ(mri_cpus_usable(&source), usable);
    mri_cpus_close(&cpus);
}

static void expect_in(const fake_file *files, int64_t ppm, int version,
                      const char *path, int usable)
{
    fake_root root;
    fake_root_open(&root);
    fake_root_put_all(&root, files);
    expect_quota(&root, ppm, version, path, usable);
    fake_root_close(&root);
}

TEST(cpus_quota, v1_own_group_counts)
{
    expect_in(root_v1, 1500000, 1,
              "/sys/fs/cgroup/cpu,cpuacct/system.slice/mill.service", 2);
}

/* go#73193 */
TEST(cpus_quota, v1_tighter_parent_counts)
{
    expect_in(root_v1_parent, 2000000, 1,
              "/sys/fs/cgroup/cpu,cpuacct/batch/night", 2);
}

TEST(cpus_quota, v2_own_group_counts)
{
    expect_in(root_v2, 2500000, 2,
              "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope", 3);
}

TEST(cpus_quota, v2_tighter_grandparent_counts)
{
    expect_in(root_v2_parent, 500000, 2, "/sys/fs/cgroup/kubepods", 1);
}

TEST(cpus_quota, v2_root_of_the_namespace_counts)
{
    expect_in(root_v2_namespace, 3000000, 2, "/sys/fs/cgroup", 3);
}

TEST(cpus_quota, mount_root_above_the_namespace_counts_and_nothing_below_it)
{
    expect_in(root_v2_outside, 7000000, 2, "/sys/fs/cgroup", 7);
}

TEST(cpus_quota, hybrid_takes_the_hierarchy_that_has_the_controller)
{
    expect_in(root_hybrid, 3500000, 1, "/sys/fs/cgroup/cpu/mill", 4);
}

TEST(cpus_quota, mount_root_is_taken_off_the_group_path)
{
    expect_in(root_docker_v1, 250000, 1, "/sys/fs/cgroup/cpu,cpuacct", 1);
    expect_in(root_docker_v2, 1000000, 2, "/sys/fs/cgroup", 1);
}

TEST(cpus_quota, escaped_mount_point_is_found)
{
    expect_in(root_blanks, 1200000, 2, "/cg roup\t", 2);
}

TEST(cpus_quota, malformed_files_say_nothing)
{
    expect_in(root_malformed, 0, 0, NULL, 16);
}

TEST(cpus_quota, missing_files_say_nothing)
{
    static const fake_file nothing[] = {{NULL, NULL}},
                           no_mounts[] = {{"/proc/self/cgroup", "0::/a\n"},
                                          {NULL, NULL}};
    expect_in(nothing, 0, 0, NULL, 16);
    expect_in(no_mounts, 0, 0, NULL, 16);
}

TEST(cpus_quota, directory_in_place_of_a_file_says_nothing)
{
    static const fake_file files[] = {
        {"/proc/self/cgroup", "0::/\n"},
        {"/proc/self/mountinfo", "35 23 0:30 / /cg rw - cgroup2 x rw\n"},
        {"/cg/cpu.max/file", "100000 100000\n"},
        {NULL, NULL}};
    expect_in(files, 0, 0, NULL, 16);
}

TEST(cpus_quota, group_outside_of_the_mount_says_nothing)
{
    static const char *const mounted[][2] = {
        {"0::/user\n", "/docker/4f5e"},
        {"0::/../sibling\n", "/"},
        {"0::/dockerx\n", "/docker"},
        {"0::/a\n", "/../b"},
        {"0::/a\n", "/a/b"},
        {"0::/..\n", "/../b"},
    };
    for (size_t i = 0; i < sizeof mounted / sizeof *mounted; i++) {
        fake_root root;
        char line[256];
        snprintf(line, sizeof line, "3 2 0:3 %s /cg rw - cgroup2 x rw\n",
                 mounted[i][1]);
        fake_root_open(&root);
        fake_root_put(&root, mounted[i][0], "/proc/self/cgroup");
        fake_root_put(&root, line, "/proc/self/mountinfo");
        fake_root_put(&root, "100000 100000\n", "/cg/cpu.max");
        fake_root_put(&root, "100000 100000\n", "/cg/user/cpu.max");
        fake_root_put(&root, "100000 100000\n", "/cg/a/cpu.max");
        fake_root_put(&root, "100000 100000\n", "/cg/sibling/cpu.max");
        expect_quota(&root, 0, 0, NULL, 16);
        fake_root_close(&root);
    }
}

TEST(cpus_quota, group_outside_of_the_namespace_is_found_where_mounted)
{
    static const fake_file files[] = {
        {"/proc/self/cgroup", "0::/../sibling/x\n"},
        {"/proc/self/mountinfo", "3 2 0:3 /.. /cg rw - cgroup2 x rw\n"},
        {"/cg/sibling/x/cpu.max", "400000 100000\n"},
        {"/cg/sibling/cpu.max", "300000 100000\n"},
        {NULL, NULL}};
    expect_in(files, 3000000, 2, "/cg/sibling", 3);
}

TEST(cpus_quota, tightest_of_both_versions_counts)
{
    static const fake_file files[] = {
        {"/proc/self/cgroup", "1:cpu:/one\n0::/two\n"},
        {"/proc/self/mountinfo", "3 2 0:3 / /v1 rw - cgroup x rw,cpu\n"
                                 "4 2 0:4 / /v2 rw - cgroup2 x rw\n"},
        {"/v1/one/cpu.cfs_quota_us", "300000"},
        {"/v1/one/cpu.cfs_period_us", "100000"},
        {"/v2/two/cpu.max", "200000 100000"},
        {NULL, NULL}};
    expect_in(files, 2000000, 2, "/v2/two", 2);
}

static void expect_v2(const char *text, int64_t ppm, int usable)
{
    fake_root root;
    fake_root_open(&root);
    fake_root_put_all(&root, root_v2_namespace);
    fake_root_put(&root, text, "/sys/fs/cgroup/cpu.max");
    expect_quota(&root, ppm, ppm ? 2 : 0, ppm ? "/sys/fs/cgroup" : NULL,
                 usable);
    fake_root_close(&root);
}

/* node#59200: 1.25 gave 1, and 0.25 all CPUs of the host. oneTBB#2056: a
 * quota of 1 left no worker at all, and a wait without end. */
TEST(cpus_quota, fraction_is_rounded_up_and_never_zero)
{
    expect_v2("25000 100000\n", 250000, 1);
    expect_v2("1000 1000000\n", 1000, 1);
    expect_v2("1 1000000000000\n", 1, 1);
    expect_v2("100000 100000\n", 1000000, 1);
    expect_v2("125000 100000\n", 1250000, 2);
    expect_v2("150000 100000\n", 1500000, 2);
    expect_v2("200000 100000\n", 2000000, 2);
    expect_v2("100001 100000\n", 1000010, 2);
    expect_v2("3000000001 3000000000\n", 1000001, 2);
}

TEST(cpus_quota, quota_beyond_the_mask_does_not_add_cpus)
{
    expect_v2("99900000 100000\n", 999000000, 16);
    expect_v2("9223372036854775807 1\n", INT64_MAX, 16);
}

TEST(cpus_quota, number_that_does_not_fit_says_nothing)
{
    expect_v2("9223372036854775808 100000\n", 0, 16);
    expect_v2("100000 9223372036854775808\n", 0, 16);
}

TEST(cpus_quota, anything_but_two_positive_numbers_says_nothing)
{
    static const char *const texts[] = {
        "",          "\n",      " ",           "max",          "max max\n",
        "100000",    "0 0\n",   "0 100000\n",  "100000 0\n",   "-1 100000\n",
        "1e5 1e5\n", "1,5 1\n", "100000 -1\n", "100000 1 1\n", "1  1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_v2(texts[i], 0, 16);
}

/* A path far longer than any buffer on a stack; the kernel says no itself. */
TEST(cpus_quota, path_beyond_the_kernels_limit_is_an_error)
{
    fake_root root;
    char *line = malloc(6000);
    memset(line, 'x', 6000);
    memcpy(line, "0::/", 4);
    memcpy(line + 5990, "\n", 2);
    fake_root_open(&root);
    fake_root_put_all(&root, root_v2_namespace);
    fake_root_put(&root, line, "/proc/self/cgroup");
    mri_quota quota;
    EXPECT_EQ(mri_quota_open(&quota, root.dir), MR_ENAMETOOLONG);
    EXPECT(!quota.path && quota.ppm == 0);
    fake_root_close(&root);
    free(line);
}

/* The mount table of a busy host is larger than any first buffer. */
TEST(cpus_quota, long_mount_table_is_read_to_its_end)
{
    fake_root root;
    size_t size = 1 << 20, len = 0;
    char *text = malloc(size);
    for (int i = 0; i < 4000; i++)
        len += (size_t)snprintf(text + len, size - len,
                                "%d 28 0:%d / /var/lib/box/%d/merged rw "
                                "shared:%d - overlay overlay rw,lower=x\n",
                                100 + i, 50 + i, i, i);
    snprintf(text + len, size - len, "9 8 0:7 / /cg rw - cgroup2 x rw\n");
    fake_root_open(&root);
    fake_root_put(&root, "0::/\n", "/proc/self/cgroup");
    fake_root_put(&root, text, "/proc/self/mountinfo");
    fake_root_put(&root, "500000 100000\n", "/cg/cpu.max");
    expect_quota(&root, 5000000, 2, "/cg", 5);
    fake_root_close(&root);
    free(text);
}
