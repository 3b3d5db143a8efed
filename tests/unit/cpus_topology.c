/* Topology found in fake roots, and the affinity mask. */
#include "faults.h"
#include "os/cpus.h"
#include "os/topology.h"
#include "roots/root.h"
#include "test.h"

#include <errno.h>
#include <millrace/error.h>

#define DIR "/sys/devices/system/cpu"

static void open_root(const fake_root *root, const uint64_t *mask, size_t words,
                      mri_cpus *cpus)
{
    mri_cpus_source source = {root->dir, mask, words};
    EXPECT_EQ(mri_cpus_open(cpus, &source), 0);
}

static void expect_machine(const fake_machine *m, const uint64_t *mask)
{
    int count = m->packages * m->cores * m->threads;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_topology(&root, m);
    open_root(&root, mask, 4, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.online, count);
    for (int i = 0; i < cpus.affinity; i++) {
        int id = cpus.cpu[i].id;
        EXPECT(i == 0 || id > cpus.cpu[i - 1].id);
        EXPECT(mask[id / 64] >> (id % 64) & 1);
        EXPECT_EQ(cpus.cpu[i].core, fake_machine_core(m, id));
        EXPECT_EQ(cpus.cpu[i].l2, fake_machine_first_with(m, id, m->l2_cores));
        EXPECT_EQ(cpus.cpu[i].l3, fake_machine_first_with(m, id, m->l3_cores));
        EXPECT_EQ(cpus.cpu[i].package, fake_machine_package(m, id));
        int node =
            m->nodes ? fake_machine_core(m, id) / (m->cores / m->nodes) : -1;
        EXPECT_EQ(cpus.cpu[i].node, node);
    }
    mri_cpus_close(&cpus);
}

TEST(cpus_topology, sixty_four_cpus_in_two_sockets_with_smt)
{
    static const fake_machine m = {2, 16, 2, 8, 1, 1};
    static const uint64_t all[4] = {~0ull}, some[4] = {0x8001000300000005ull};
    expect_machine(&m, all);
    expect_machine(&m, some);
}

TEST(cpus_topology, many_cpus_with_four_nodes_a_socket)
{
    static const fake_machine m = {2, 32, 2, 8, 1, 4};
    static const uint64_t all[4] = {~0ull, ~0ull};
    expect_machine(&m, all);
}

TEST(cpus_topology, shared_l2_without_l3_and_without_nodes)
{
    static const fake_machine m = {1, 8, 1, 0, 4, 0};
    static const uint64_t all[4] = {0xff};
    expect_machine(&m, all);
}

/* As on hybrid processors: 0-1 and 2-3 are threads of big cores with their
 * own L2, 4-7 are small ones that share one. */
TEST(cpus_topology, heterogeneous_l2)
{
    static const char *const core[] = {"0-1\n", "0-1\n", "2-3\n", "2-3\n",
                                       "4\n",   "5\n",   "6\n",   "7\n"};
    static const int expected[] = {0, 0, 2, 2, 4, 4, 4, 4};
    static const uint64_t mask = 0xff;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    for (int id = 0; id < 8; id++) {
        fake_root_put(&root, core[id], DIR "/cpu%d/topology/core_cpus_list",
                      id);
        fake_root_put(&root, "2\n", DIR "/cpu%d/cache/index0/level", id);
        fake_root_put(&root, "Unified\n", DIR "/cpu%d/cache/index0/type", id);
        fake_root_put(&root, id < 4 ? core[id] : "4-7\n",
                      DIR "/cpu%d/cache/index0/shared_cpu_list", id);
    }
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    for (int id = 0; id < 8; id++) {
        EXPECT_EQ(cpus.cpu[id].l2, expected[id]);
        EXPECT_EQ(cpus.cpu[id].core, id < 4 ? expected[id] : id);
    }
    mri_cpus_close(&cpus);
}

TEST(cpus_topology, second_level_instruction_cache_is_left_out)
{
    static const uint64_t mask = 1;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_put(&root, "2\n", DIR "/cpu0/cache/index0/level");
    fake_root_put(&root, "Data\n", DIR "/cpu0/cache/index0/type");
    fake_root_put(&root, "0-1\n", DIR "/cpu0/cache/index0/shared_cpu_list");
    fake_root_put(&root, "2\n", DIR "/cpu0/cache/index1/level");
    fake_root_put(&root, "Instruction\n", DIR "/cpu0/cache/index1/type");
    fake_root_put(&root, "-5\n", DIR "/cpu0/cache/index1/shared_cpu_list");
    fake_root_put(&root, "3\n", DIR "/cpu0/cache/index2/level");
    fake_root_put(&root, "0-7\n", DIR "/cpu0/cache/index2/shared_cpu_list");
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.cpu[0].l2, 0);
    EXPECT_EQ(cpus.cpu[0].l3, 0);
    mri_cpus_close(&cpus);
}

/* Linux before 5.3 has the older name only. */
TEST(cpus_topology, older_name_of_the_sibling_list_is_read)
{
    static const uint64_t mask = 8;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_put(&root, "1,3\n", DIR "/cpu3/topology/thread_siblings_list");
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.cpu[0].id, 3);
    EXPECT_EQ(cpus.cpu[0].core, 1);
    mri_cpus_close(&cpus);
}

/* CPU 1 and 5 are off: no topology of their own, gone from the lists. */
TEST(cpus_topology, offline_cpus_are_not_counted)
{
    static const uint64_t mask = 0xdd;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_put(&root, "0,2-4,6-7\n", DIR "/online");
    for (int id = 0; id < 8; id++)
        if (id % 4 != 1)
            fake_root_put(&root, id % 4 == 0 ? "0,4\n" : "2-3,6-7\n",
                          DIR "/cpu%d/topology/core_cpus_list", id);
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.online, 6);
    EXPECT_EQ(cpus.affinity, 6);
    EXPECT_EQ(cpus.usable, 6);
    EXPECT_EQ(cpus.cpu[1].id, 2);
    EXPECT_EQ(cpus.cpu[5].core, 2);
    mri_cpus_close(&cpus);
}

TEST(cpus_topology, empty_root_says_nothing)
{
    static const uint64_t mask = 0x6;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.online, -1);
    EXPECT_EQ(cpus.affinity, 2);
    for (int i = 0; i < 2; i++) {
        const mri_cpu *cpu = &cpus.cpu[i];
        EXPECT(cpu->core == -1 && cpu->l2 == -1 && cpu->l3 == -1);
        EXPECT(cpu->package == -1 && cpu->node == -1);
    }
    mri_cpus_close(&cpus);
}

TEST(cpus_topology, malformed_lists_say_nothing)
{
    static const char *const texts[] = {
        "",
        "\n",
        "x\n",
        "0-\n",
        "0,\n",
        ",0\n",
        "3-0\n",
        "1-3\n",
        "0 1\n",
        "0\n\n",
        "0-4294967296\n",
        "-1\n",
        "0-3,x",
        "0--3",
        "99999999999999999999",
        "0:2\n",
    };
    static const uint64_t mask = 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fake_root root;
        mri_cpus cpus;
        fake_root_open(&root);
        fake_root_put(&root, texts[i], DIR "/cpu0/topology/core_cpus_list");
        fake_root_put(&root, "-1\n", DIR "/cpu0/topology/physical_package_id");
        open_root(&root, &mask, 1, &cpus);
        fake_root_close(&root);
        EXPECT_MSG(cpus.cpu[0].core == -1, "\"%s\" was believed: core %d",
                   texts[i], cpus.cpu[0].core);
        EXPECT_EQ(cpus.cpu[0].package, -1);
        mri_cpus_close(&cpus);
    }
}

TEST(cpus_topology, endless_numbers_of_nodes_and_caches_come_to_an_end)
{
    static const uint64_t mask = 1;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_put(&root, "0-2147483647\n", "/sys/devices/system/node/online");
    fake_root_put(&root, "0\n", "/sys/devices/system/node/node7/cpulist");
    for (int i = 0; i < 40; i++)
        fake_root_put(&root, "1\n", DIR "/cpu0/cache/index%d/level", i);
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.cpu[0].node, 7);
    mri_cpus_close(&cpus);
}

TEST(cpus_topology, node_without_cpus_changes_nothing)
{
    static const uint64_t mask = 1;
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    fake_root_put(&root, "0,2\n", "/sys/devices/system/node/online");
    fake_root_put(&root, "0-3\n", "/sys/devices/system/node/node0/cpulist");
    fake_root_put(&root, "\n", "/sys/devices/system/node/node2/cpulist");
    open_root(&root, &mask, 1, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.cpu[0].node, 0);
    mri_cpus_close(&cpus);
}

TEST(cpus_affinity, mask_of_8192_cpus_is_listed_in_order)
{
    static uint64_t mask[128];
    fake_root root;
    mri_cpus cpus;
    memset(mask, 0xff, sizeof mask);
    fake_root_open(&root);
    open_root(&root, mask, 128, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.affinity, 8192);
    EXPECT_EQ(cpus.usable, 8192);
    for (int i = 0; i < 8192; i++)
        EXPECT_EQ(cpus.cpu[i].id, i);
    mri_cpus_close(&cpus);
}

TEST(cpus_affinity, empty_mask_still_leaves_one_to_use)
{
    static const uint64_t mask[2] = {0, 0};
    fake_root root;
    mri_cpus cpus;
    fake_root_open(&root);
    open_root(&root, mask, 2, &cpus);
    fake_root_close(&root);
    EXPECT_EQ(cpus.affinity, 0);
    EXPECT_EQ(cpus.usable, 1);
    mri_cpus_close(&cpus);
}

/* EINVAL is how the kernel says that its masks are longer. */
TEST(cpus_affinity, buffer_grows_until_the_kernel_takes_it)
{
    int expected = mri_cpus_usable(NULL);
    EXPECT(expected >= 1);
    faults_arm_call("sched_getaffinity", 1, EINVAL, false);
    int usable = mri_cpus_usable(NULL);
    EXPECT(faults_disarm());
    EXPECT_EQ(faults_count(), 2);
    EXPECT_EQ(usable, expected);
}

TEST(cpus_affinity, buffer_stops_growing_at_eight_million_cpus)
{
    faults_arm_call("sched_getaffinity", 1, EINVAL, true);
    int usable = mri_cpus_usable(NULL);
    EXPECT(faults_disarm());
    EXPECT_EQ(usable, MR_EINVAL);
    EXPECT_EQ(faults_count(), 14); /* 128 bytes doubled up to 1 MiB */
}
